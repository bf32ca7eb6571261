namespace Plimsoll.Oci;

/// <summary>The bytes of a layer that are put together from a record and from unpacked files.</summary>
/// <remarks>
/// That they have the right digest says what the layer is, and nothing of the files: who can edit the record can write a content into it, or name another file that has the
/// same. Only when the content of each file of the tar came whole from the file of that very name are the files what the digest says.
/// </remarks>
internal interface IRebuiltLayer
{
    /// <summary>The next content that came from a file, in the tar's order; none before its first byte was read. May be called beside the thread that reads.</summary>
    bool TryPeek(out FileContent content);

    /// <summary>Goes to the one after it.</summary>
    void Take();
}

/// <summary>Bytes of a tar that came from a file.</summary>
/// <param name="Offset">Where they begin.</param>
/// <param name="Path">Of the file below the layer's folder, normal form.</param>
internal readonly record struct FileContent(long Offset, long Size, byte[] Path);
