using System.Buffers.Binary;
using System.Text;

namespace Plimsoll.TestKit;

/// <summary>Makes rpm headers, and small databases of each form around them, so that tests can break them.</summary>
public static class RpmDatabases
{
    public const int SqlitePage = 4096, HashPage = 512;

    /// <summary>A header of these tags; a value is a string, a string[], an int or an int[].</summary>
    public static byte[] Header(params (int Tag, object Value)[] tags)
    {
        using MemoryStream data = new();
        List<byte> index = [];
        foreach ((int tag, object value) in tags.OrderBy(t => t.Tag))
        {
            while (value is int or int[] && data.Length % 4 != 0)
                data.WriteByte(0);
            (int type, int count) = value switch { string => (6, 1), string[] s => (8, s.Length), int => (4, 1), int[] n => (4, n.Length), _ => throw new NotSupportedException($"tag {tag}") };
            foreach (int number in (int[])[tag, type, (int)data.Length, count])
                index.AddRange(Big(number));
            switch (value)
            {
                case string text: Write(text); break;
                case string[] texts: Array.ForEach(texts, Write); break;
                case int number: data.Write(Big(number)); break;
                case int[] numbers: Array.ForEach(numbers, n => data.Write(Big(n))); break;
            }
        }
        return [.. Big(tags.Length), .. Big((int)data.Length), .. index, .. data.ToArray()];

        void Write(string text) => data.Write([.. Encoding.UTF8.GetBytes(text), 0]);
    }

    /// <summary>A package with a file that analysers want, and one that none does.</summary>
    public static byte[] Package(string name, string version = "1.2", string release = "3.el8", int epoch = 0, string? module = null, int padding = 0)
    {
        List<(int, object)> tags =
        [
            (1000, name), (1001, version), (1002, release), (1011, "Vendor"), (1014, "MIT"), (1022, "x86_64"), (1044, $"src-{name}-{version}-{release}.src.rpm"),
            (1035, new[] { new string('a', 64), new string('b', 64) }), (1116, new[] { 0, 1 }), (1117, new[] { "a.jar", "a.conf" }), (1118, new[] { "/usr/share/java/", "/etc/" }),
        ];
        if (epoch > 0)
            tags.Add((1003, epoch));
        if (module is not null)
            tags.Add((5096, module));
        if (padding > 0)
            tags.Add((1005, new string('d', padding)));
        return Header([.. tags]);
    }

    /// <summary>Page 1 with the schema, page 2 the leaf of Packages, then overflow pages in their order.</summary>
    public static byte[] Sqlite(params byte[][] headers)
    {
        List<byte[]> pages = [new byte[SqlitePage], new byte[SqlitePage]];
        const string sql = "CREATE TABLE Packages(hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)";
        byte[] length = Varint((ulong)(13 + 2 * sql.Length));
        byte[] schema = [(byte)(5 + length.Length), 23, 29, 29, 1, .. length, .. "tablePackagesPackages"u8, 2, .. Encoding.ASCII.GetBytes(sql)];
        WriteLeaf(pages, 0, [schema]);
        WriteLeaf(pages, 1, [.. headers.Select(h => (byte[])[(byte)(2 + Varint((ulong)(12 + 2 * h.Length)).Length), 0, .. Varint((ulong)(12 + 2 * h.Length)), .. h])]);
        byte[] file = [.. pages.SelectMany(p => p)];
        "SQLite format 3\0"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(16), SqlitePage);
        (file[18], file[19], file[21], file[22], file[23]) = (1, 1, 64, 32, 32);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(28), pages.Count);
        BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(56), 1);
        return file;
    }

    public static byte[] Ndb(params byte[][] headers)
    {
        List<byte> file = [.. new byte[4096]];
        List<(int Block, int Blocks)> places = [];
        for (int i = 0; i < headers.Length; i++)
        {
            int blocks = (16 + headers[i].Length + 12 + 15) / 16, start = file.Count;
            places.Add((start / 16, blocks));
            byte[] blob = new byte[blocks * 16];
            "BlbS"u8.CopyTo(blob);
            BinaryPrimitives.WriteInt32LittleEndian(blob.AsSpan(4), i + 1);
            BinaryPrimitives.WriteInt32LittleEndian(blob.AsSpan(8), 1);
            BinaryPrimitives.WriteInt32LittleEndian(blob.AsSpan(12), headers[i].Length);
            headers[i].CopyTo(blob, 16);
            uint a = 1, b = 0;
            foreach (byte value in blob.AsSpan(0, blob.Length - 12))
                (a, b) = ((a + value) % 65521, (b + a + value) % 65521);
            BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(blob.Length - 12), b << 16 | a);
            BinaryPrimitives.WriteInt32LittleEndian(blob.AsSpan(blob.Length - 8), headers[i].Length);
            "BlbE"u8.CopyTo(blob.AsSpan(blob.Length - 4));
            file.AddRange(blob);
        }
        byte[] bytes = [.. file];
        "RpmP"u8.CopyTo(bytes);
        bytes[8] = bytes[12] = 1;
        bytes[16] = (byte)(headers.Length + 1);
        for (int slot = 2; slot < 256; slot++)
        {
            "Slot"u8.CopyTo(bytes.AsSpan(slot * 16));
            if (slot - 2 >= places.Count)
                continue;
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(slot * 16 + 4), slot - 1);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(slot * 16 + 8), places[slot - 2].Block);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(slot * 16 + 12), places[slot - 2].Blocks);
        }
        return bytes;
    }

    /// <summary>Metadata, one page of keys, then the chains of pages that hold the headers.</summary>
    public static byte[] Hash(bool bigEndian, params byte[][] headers)
    {
        List<byte[]> pages = [new byte[HashPage], new byte[HashPage]];
        List<byte[]> items = [[1, 0, 0, 0, 0], [1, 9, 0, 0, 0]];
        for (int i = 0; i < headers.Length; i++)
        {
            items.Add([1, .. Number(i + 1)]);
            items.Add([3, 0, 0, 0, .. Number(pages.Count), .. Number(headers[i].Length)]);
            for (int at = 0; at < headers[i].Length; at += HashPage - 26)
            {
                byte[] page = new byte[HashPage];
                int part = Math.Min(HashPage - 26, headers[i].Length - at);
                Number(pages.Count).CopyTo(page, 8);
                Number(at + part < headers[i].Length ? pages.Count + 1 : 0).CopyTo(page, 16);
                Short(part).CopyTo(page, 22);
                page[25] = 7;
                headers[i].AsSpan(at, part).CopyTo(page.AsSpan(26));
                pages.Add(page);
            }
        }
        byte[] keys = pages[1];
        keys[25] = 13;
        Short(items.Count).CopyTo(keys, 20);
        int end = HashPage;
        for (int i = 0; i < items.Count; i++)
        {
            end -= items[i].Length;
            items[i].CopyTo(keys, end);
            Short(end).CopyTo(keys, 26 + 2 * i);
        }
        byte[] meta = pages[0];
        Number(0x061561).CopyTo(meta, 12);
        Number(9).CopyTo(meta, 16);
        Number(HashPage).CopyTo(meta, 20);
        meta[25] = 8;
        Number(pages.Count - 1).CopyTo(meta, 32);
        return [.. pages.SelectMany(p => p)];

        byte[] Number(int number) => bigEndian ? Big(number) : [.. Big(number).Reverse()];

        byte[] Short(int number) => bigEndian ? [(byte)(number >> 8), (byte)number] : [(byte)number, (byte)(number >> 8)];
    }

    private static void WriteLeaf(List<byte[]> pages, int index, byte[][] records)
    {
        int start = index == 0 ? 100 : 0, end = SqlitePage;
        byte[] page = pages[index];
        page[start] = 0x0d;
        BinaryPrimitives.WriteUInt16BigEndian(page.AsSpan(start + 3), (ushort)records.Length);
        for (int i = 0; i < records.Length; i++)
        {
            int length = records[i].Length, most = SqlitePage - 35, least = (SqlitePage - 12) * 32 / 255 - 23, local = length;
            if (length > most)
            {
                local = least + (length - least) % (SqlitePage - 4);
                local = local <= most ? local : least;
            }
            byte[] cell = [.. Varint((ulong)length), (byte)(i + 1), .. records[i][..local], .. local < length ? Big(pages.Count + 1) : []];
            for (int at = local; at < length; at += SqlitePage - 4)
            {
                byte[] overflow = new byte[SqlitePage];
                int part = Math.Min(SqlitePage - 4, length - at);
                Big(at + part < length ? pages.Count + 2 : 0).CopyTo(overflow, 0);
                records[i].AsSpan(at, part).CopyTo(overflow.AsSpan(4));
                pages.Add(overflow);
            }
            end -= cell.Length;
            cell.CopyTo(page, end);
            BinaryPrimitives.WriteUInt16BigEndian(page.AsSpan(start + 8 + 2 * i), (ushort)end);
        }
        BinaryPrimitives.WriteUInt16BigEndian(page.AsSpan(start + 5), (ushort)end);
    }

    private static byte[] Varint(ulong number)
    {
        List<byte> bytes = [(byte)(number & 0x7f)];
        while ((number >>= 7) > 0)
            bytes.Insert(0, (byte)(number & 0x7f | 0x80));
        return [.. bytes];
    }

    private static byte[] Big(int number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return bytes;
    }
}
