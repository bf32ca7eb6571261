using System.Security.Cryptography;
using System.Text;

namespace Plimsoll.Inspect.Layers;

/// <summary>The files with facts that are in sight, as a tree, so that hiding a folder costs what is in it and no more.</summary>
/// <remarks>
/// A layer hides by paths (whiteouts, opaque folders) and by hashes of paths (what is no folder). Of hashes the shorter list is
/// walked, the layer's or the tree's: neither many small layers over many files nor the reverse multiplies. Folders are known by
/// the hash of their path alone: the texts of all folders above a deep path come to the square of its length.
/// </remarks>
internal sealed class VisibleFiles
{
    private sealed class Node(PathHash hash, Node? parent)
    {
        public PathHash Hash { get; } = hash;
        public Node? Parent { get; } = parent;
        public HashSet<Node> Children { get; } = [];
        public List<FileFacts> Facts { get; } = [];
    }

    /// <summary>Bytes of a path from which its folders are hashed in one pass; below, each by itself is faster.</summary>
    private const int LongPath = 1024;

    private readonly Dictionary<PathHash, Node> _nodes = [];

    /// <summary>All facts in sight, by path and then analyser, ordinal order.</summary>
    public List<FileFacts> ToList() =>
        [.. _nodes.Values.SelectMany(n => n.Facts).OrderBy(f => f.Path, StringComparer.Ordinal).ThenBy(f => f.Analyser, StringComparer.Ordinal)];

    public void Add(FileFacts facts) => NodeOf(facts.Path).Facts.Add(facts);

    /// <summary>Takes away what a layer hides.</summary>
    /// <returns>The facts that went out of sight.</returns>
    public List<FileFacts> Hide(LayerFacts layer)
    {
        List<FileFacts> gone = [];
        if (_nodes.Count == 0)
            return gone;
        foreach (string path in layer.Whiteouts)
            if (_nodes.TryGetValue(PathHash.Of(path), out Node? node))
                Remove(node, gone);
        foreach (string path in layer.OpaqueFolders)
            if (_nodes.TryGetValue(PathHash.Of(path), out Node? node))
            {
                // An opaque folder takes the place of a file of its name too: so overlayfs records one that was removed and made again.
                gone.AddRange(node.Facts);
                node.Facts.Clear();
                foreach (Node child in node.Children.ToList())
                    Remove(child, gone);
            }
        // A folder in the place of a wanted file hides the file, not what a lower layer has in a folder of that name.
        foreach (string path in layer.Displaced)
            if (_nodes.TryGetValue(PathHash.Of(path), out Node? node))
            {
                gone.AddRange(node.Facts);
                node.Facts.Clear();
            }
        foreach (Node node in Common(layer.NonFolders.Span))
            if (_nodes.ContainsKey(node.Hash))
                Remove(node, gone);
        // A folder has the mode and owner that the topmost layer gives it, and is no file any more.
        foreach (Node node in Common(layer.Folders.Span))
        {
            gone.AddRange(node.Facts);
            node.Facts.Clear();
        }
        return gone;
    }

    /// <summary>The nodes whose hash is in a sorted list.</summary>
    private List<Node> Common(ReadOnlySpan<PathHash> hashes)
    {
        List<Node> common = [];
        if (hashes.Length < _nodes.Count)
        {
            foreach (PathHash hash in hashes)
                if (_nodes.TryGetValue(hash, out Node? node))
                    common.Add(node);
        }
        else
            foreach ((PathHash hash, Node node) in _nodes)
                if (hashes.BinarySearch(hash) >= 0)
                    common.Add(node);
        return common;
    }

    private Node NodeOf(string path)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        PathHash whole = PathHash.Of(bytes);
        if (_nodes.TryGetValue(whole, out Node? node))
            return node;
        // Paths are as deep as their maker likes, so no recursion: the folders that are missing, innermost first.
        List<PathHash> missing = [whole];
        Node? parent = null;
        if (bytes.Length < LongPath)
        {
            for (int slash = bytes.AsSpan().LastIndexOf((byte)'/'); slash > 0; slash = bytes.AsSpan(0, slash).LastIndexOf((byte)'/'))
            {
                PathHash folder = PathHash.Of(bytes.AsSpan(0, slash));
                if (_nodes.TryGetValue(folder, out parent))
                    break;
                missing.Add(folder);
            }
        }
        else
            foreach (PathHash folder in FoldersOf(bytes))
            {
                if (_nodes.TryGetValue(folder, out parent))
                    break;
                missing.Add(folder);
            }
        for (int i = missing.Count - 1; i >= 0; i--)
        {
            node = new Node(missing[i], parent);
            parent?.Children.Add(node);
            _nodes[node.Hash] = node;
            parent = node;
        }
        return node!;
    }

    /// <summary>The hashes of all folders above a path, innermost first, in one pass over it.</summary>
    private static List<PathHash> FoldersOf(byte[] path)
    {
        List<PathHash> folders = [];
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int start = 0;
        for (int at = 0; at < path.Length; at++)
        {
            if (path[at] != (byte)'/' || at == 0)
                continue;
            hash.AppendData(path, start, at - start);
            start = at;
            folders.Add(PathHash.OfHash(hash.GetCurrentHash()));
        }
        folders.Reverse();
        return folders;
    }

    private void Remove(Node top, List<FileFacts> gone)
    {
        top.Parent?.Children.Remove(top);
        Stack<Node> todo = new([top]);
        while (todo.TryPop(out Node? node))
        {
            gone.AddRange(node.Facts);
            _nodes.Remove(node.Hash);
            foreach (Node child in node.Children)
                todo.Push(child);
        }
    }
}
