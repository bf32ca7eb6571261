// The least that verifying an image can cost in .NET: SHA-256 over each file as it is stored and, for gzip, over what comes
// out of it. Nothing is parsed. One thread, since processor time is what is compared.
// usage: floor FILE…     prints: bytes stored, bytes unpacked, bytes hashed
//        floor --measure BYTES THREADS     the least that measuring can cost: SHA-256 and SHA-384 over so many bytes that are in
//                                          memory, shared out among the threads without any order to keep. Prints: seconds
//        floor --nothing                   ends at once: what a process costs that does nothing
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using Plimsoll.Floor;

if (args is ["--nothing"])
    return;
if (args is ["--measure", var size, var count])
{
    Console.WriteLine(MeasureFloor.Run(long.Parse(size, CultureInfo.InvariantCulture), int.Parse(count, CultureInfo.InvariantCulture)).TotalSeconds.ToString("0.0000", CultureInfo.InvariantCulture));
    return;
}
const int BufferBytes = 1 << 20;
byte[] buffer = new byte[BufferBytes];
long stored = 0, unpacked = 0;
foreach (string path in args)
{
    using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
    bool gzip = file.ReadByte() == 0x1f && file.ReadByte() == 0x8b;
    file.Position = 0;
    using HashingStream outer = new(file);
    if (gzip)
    {
        using GZipStream inner = new(outer, CompressionMode.Decompress, leaveOpen: true);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int read; (read = inner.Read(buffer)) > 0; unpacked += read)
            hash.AppendData(buffer, 0, read);
        hash.GetHashAndReset();
    }
    while (outer.Read(buffer) > 0)
    {
        // The rest of the stored bytes: all of a plain file, what follows the stream of a gzip one.
    }
    stored += outer.Hashed;
}
Console.WriteLine($"{stored} {unpacked} {stored + unpacked}");
