namespace Plimsoll.Measure;

/// <summary>Lays layers over each other and finds what the composed root shows.</summary>
internal static class Composition
{
    /// <summary>Sets <see cref="FileEntry.Visible"/> of every entry.</summary>
    /// <param name="layers">Base layer first.</param>
    public static void MarkVisible(IReadOnlyList<LayerContents> layers)
    {
        // Paths of layers above: those that are taken, those that hide all below them, and those that are folders by implication.
        HashSet<string> taken = new(StringComparer.Ordinal), blocks = new(StringComparer.Ordinal), folders = new(StringComparer.Ordinal);
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> blocking = blocks.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int i = layers.Count - 1; i >= 0; i--)
        {
            LayerContents layer = layers[i];
            foreach (FileEntry entry in layer.Entries.Values)
                entry.Visible = entry.Type != FileType.Whiteout && !taken.Contains(entry.Path) && !Hidden(entry.Path)
                    && (entry.Type == FileType.Directory || !folders.Contains(entry.Path));
            foreach (FileEntry entry in layer.Entries.Values)
            {
                taken.Add(entry.Path);
                if (entry.Type != FileType.Directory)
                    blocks.Add(entry.Path);
            }
            foreach (string folder in layer.Opaque.Keys)
                blocks.Add(folder);
            if (i > 0)
                folders.UnionWith(layer.Implied);
        }

        bool Hidden(string path)
        {
            if (blocks.Count == 0)
                return false;
            for (int slash = path.LastIndexOf('/'); slash > 0; slash = path.LastIndexOf('/', slash - 1))
                if (blocking.Contains(path.AsSpan(0, slash)))
                    return true;
            // An opaque root hides all that has a path.
            return path.Length > 0 && blocks.Contains("");
        }
    }
}
