using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Texts;

namespace Plimsoll.Keys;

/// <summary>One of the shares that a private key was split into, with what tells sets apart and damage from truth. Form: docs/formats/key-share.md.</summary>
public sealed record KeyShare
{
    /// <summary>Characters of a share's file: the largest key, in base64, and what stands around it.</summary>
    public const int MaxTextLength = 32 * 1024;

    /// <summary>Ways to choose shares from more than are needed, when some of them are wrong.</summary>
    public const int MaxChoices = 5000;

    private const string Begin = "-----BEGIN PLIMSOLL KEY SHARE-----", End = "-----END PLIMSOLL KEY SHARE-----";
    private const int SetBytes = 16, CheckBytes = 16, DigestBytes = 8, LineLength = 64, MaxNameLength = 128;
    private static readonly string[] Fields = ["Version", "Set", "Name", "Key", "Threshold", "Shares", "Number", "Check", "Digest"];

    /// <summary>16 random bytes, hex: the same in all shares of one split.</summary>
    public required string Set { get; init; }

    /// <summary>What the key was called.</summary>
    public required string Name { get; init; }

    /// <summary>Id of the key's public half.</summary>
    public required string Key { get; init; }

    public required int Threshold { get; init; }

    public required int Shares { get; init; }

    /// <summary>HMAC-SHA-256 under the secret over all that the shares have in common, 16 bytes, hex.</summary>
    public required string Check { get; init; }

    /// <summary>As <see cref="Shamir"/> has it; the last byte is the number.</summary>
    internal byte[] Bytes { get; init; } = [];

    /// <summary>From 1.</summary>
    public int Number => Bytes[^1];

    /// <summary>Splits a private key.</summary>
    /// <param name="name">What it is called, of printable ASCII.</param>
    /// <exception cref="KeyException">It never leaves its device, or the numbers are not possible.</exception>
    public static IReadOnlyList<KeyShare> Split(ISigner signer, string name, int shares, int threshold)
    {
        ArgumentNullException.ThrowIfNull(signer);
        if (threshold < 2 || shares < threshold || shares > Shamir.MaxShares)
            throw new KeyException($"{threshold} of {shares} shares: wanted a threshold from 2 to the number of shares, and at most {Shamir.MaxShares} shares (MaxShares)");
        if (!IsName(name))
            throw new KeyException($"{Escape.Quote(name)} cannot name a key in its shares; wanted up to {MaxNameLength} printable ASCII characters");
        byte[] secret = KeyFile.ExportPkcs8(signer);
        try
        {
            string set = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SetBytes)), key = signer.PublicKey.Id;
            string check = CheckOf(secret, set, name, key, threshold, shares);
            return [.. Shamir.Split(secret, shares, threshold).Select(bytes => new KeyShare { Set = set, Name = name, Key = key, Threshold = threshold, Shares = shares, Check = check, Bytes = bytes })];
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret);
        }
    }

    /// <summary>The key of which these are shares; any wrong one among enough right ones is named.</summary>
    /// <param name="named">Shares with what to call each in errors.</param>
    /// <param name="wrong">Shares that are not of this key although they say so.</param>
    /// <exception cref="KeyException">Too few, of different sets, or not what they say they are.</exception>
    public static ISigner Combine(IReadOnlyList<(string Name, KeyShare Share)> named, out IReadOnlyList<string> wrong)
    {
        ArgumentNullException.ThrowIfNull(named);
        if (named.Count == 0)
            throw new KeyException("no share was given");
        (string firstName, KeyShare first) = named[0];
        Dictionary<int, (string Name, KeyShare Share)> distinct = [];
        foreach ((string name, KeyShare share) in named)
        {
            if (share.Set != first.Set)
                throw new KeyException($"{name} is of another set than {firstName}: {share.Set[..8]}… of {share.Name}, not {first.Set[..8]}… of {first.Name}");
            if (share.Common != first.Common || share.Bytes.Length != first.Bytes.Length)
                throw new KeyException($"{name} and {firstName} say they are of one set, and differ in what all shares of a set have in common; one of them was changed");
            if (distinct.TryGetValue(share.Number, out (string Name, KeyShare Share) other) && !CryptographicOperations.FixedTimeEquals(other.Share.Bytes, share.Bytes))
                throw new KeyException($"{name} and {other.Name} are both share {share.Number} of {share.Shares}, and differ; one of them was changed");
            distinct[share.Number] = (name, share);
        }
        if (distinct.Count < first.Threshold)
            throw new KeyException($"{distinct.Count} of the {first.Shares} shares of {first.Name} are here (number {string.Join(", ", distinct.Keys.Order())}); {first.Threshold} are needed");
        (string Name, KeyShare Share)[] all = [.. distinct.Values];
        int tried = 0;
        foreach (int[] choice in Choices(all.Length, first.Threshold))
        {
            if (++tried > MaxChoices)
                break;
            byte[][] chosen = [.. choice.Select(i => all[i].Share.Bytes)];
            byte[] secret = Shamir.Combine(chosen);
            try
            {
                if (!first.IsSecret(secret))
                    continue;
                wrong = [.. all.Where((_, i) => !choice.Contains(i) && !first.IsSecret([.. chosen.Skip(1), all[i].Share.Bytes])).Select(s => s.Name)];
                return Open(secret, first);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(secret);
            }
        }
        throw new KeyException(tried > MaxChoices ? $"none of {MaxChoices} ways to choose {first.Threshold} of these {all.Length} shares gives the key (MaxChoices)"
            : $"these shares do not give the key: at least one of {string.Join(", ", all.Select(s => s.Name))} was changed", all.Length == first.Threshold && first.Shares > all.Length ? "give more shares than are needed: then the changed one is found" : null);
    }

    /// <summary>The share's file: ASCII, lines of at most 76 characters, one line end at its end.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        text.Append(Begin).Append('\n');
        foreach ((string field, string value) in Headers())
            text.Append(field).Append(": ").Append(value).Append('\n');
        text.Append("Digest: ").Append(DigestOf()).Append("\n\n");
        string base64 = Convert.ToBase64String(Bytes);
        for (int at = 0; at < base64.Length; at += LineLength)
            text.Append(base64, at, Math.Min(LineLength, base64.Length - at)).Append('\n');
        return text.Append(End).Append('\n').ToString();
    }

    /// <param name="name">What the file is called in errors.</param>
    /// <exception cref="KeyException">It is no share, or not as it was written.</exception>
    public static KeyShare Parse(string text, string name)
    {
        ArgumentNullException.ThrowIfNull(text);
        int begin = text.Length > MaxTextLength ? -1 : text.IndexOf(Begin, StringComparison.Ordinal);
        int end = begin < 0 ? -1 : text.IndexOf(End, begin + Begin.Length, StringComparison.Ordinal);
        if (end < 0)
            throw new KeyException($"{name} is no share of a key: wanted the lines from {Begin} to {End}");
        // Text around it is passed over, and so are the line ends of mail and paper.
        string[] lines = [.. text[(begin + Begin.Length)..end].Split('\n').Select(l => l.Trim()).SkipWhile(l => l.Length == 0)];
        string[] values = new string[Fields.Length];
        for (int i = 0; i < Fields.Length; i++)
        {
            string wanted = Fields[i] + ": ";
            values[i] = i < lines.Length && lines[i].StartsWith(wanted, StringComparison.Ordinal) ? lines[i][wanted.Length..]
                : throw Broken(name, $"line {i + 1} is not \"{Fields[i]}: …\"");
        }
        if (values[0] != "1")
            throw new KeyException($"{name} is a share of version {Escape.Quote(values[0])}; this Plimsoll knows version 1");
        if (!IsHex(values[1], SetBytes) || !IsName(values[2]) || !IsHex(values[3], SHA256.HashSizeInBytes) || !IsHex(values[7], CheckBytes) || !IsHex(values[8], DigestBytes)
            || !TryNumber(values[4], out int threshold) || !TryNumber(values[5], out int shares) || !TryNumber(values[6], out int number)
            || threshold < 2 || threshold > shares || number > shares)
            throw Broken(name, "a value of its head is not possible");
        byte[] bytes;
        try
        {
            bytes = Convert.FromBase64String(string.Concat(lines[Fields.Length..]));
        }
        catch (FormatException)
        {
            throw Broken(name, "what follows its head is not base64");
        }
        if (bytes.Length < 2 || bytes.Length > Shamir.MaxSecretBytes + 1 || bytes[^1] != number)
            throw Broken(name, "its bytes are not those of its number");
        KeyShare share = new() { Set = values[1], Name = values[2], Key = values[3], Threshold = threshold, Shares = shares, Check = values[7], Bytes = bytes };
        return share.DigestOf() == values[8] ? share : throw Broken(name, "a character of it differs from what was written");
    }

    private static KeyException Broken(string name, string how) =>
        new($"{name} is a damaged share: {how}", "copy it again from where it was kept; another share of the set serves as well");

    private string Common => $"{Name}\n{Key}\n{Threshold}\n{Shares}\n{Check}";

    private IEnumerable<(string, string)> Headers() =>
    [
        ("Version", "1"), ("Set", Set), ("Name", Name), ("Key", Key), ("Threshold", Threshold.ToString(CultureInfo.InvariantCulture)),
        ("Shares", Shares.ToString(CultureInfo.InvariantCulture)), ("Number", Number.ToString(CultureInfo.InvariantCulture)), ("Check", Check),
    ];

    /// <summary>Against damage, not against forgery: it tells which share was copied wrongly. The share's own digest says nothing of the secret.</summary>
    private string DigestOf()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string field, string value) in Headers())
            hash.AppendData(Encoding.ASCII.GetBytes($"{field}: {value}\n"));
        hash.AppendData(Bytes);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, DigestBytes));
    }

    /// <summary>A private key cannot be guessed, so that this says nothing to who has it and too few shares.</summary>
    private static string CheckOf(ReadOnlySpan<byte> secret, string set, string name, string key, int threshold, int shares)
    {
        byte[] about = Encoding.ASCII.GetBytes($"plimsoll key share 1\n{set}\n{name}\n{key}\n{threshold}\n{shares}\n");
        return Convert.ToHexStringLower(HMACSHA256.HashData(secret, about).AsSpan(0, CheckBytes));
    }

    private bool IsSecret(ReadOnlySpan<byte> secret) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(CheckOf(secret, Set, Name, Key, Threshold, Shares)), Encoding.ASCII.GetBytes(Check));

    private bool IsSecret(IReadOnlyList<byte[]> shares)
    {
        byte[] secret = Shamir.Combine(shares);
        bool same = IsSecret(secret.AsSpan());
        CryptographicOperations.ZeroMemory(secret);
        return same;
    }

    private static ISigner Open(byte[] secret, KeyShare share)
    {
        ISigner signer = KeyFile.ReadPkcs8(secret, share.Name);
        if (signer.PublicKey.Id == share.Key)
            return signer;
        using (signer)
            throw new KeyException($"the shares give key {signer.PublicKey.Id[..16]}…, and say that they are of {share.Key[..16]}…");
    }

    /// <summary>Every way to choose so many of 0 to count-1, in order.</summary>
    private static IEnumerable<int[]> Choices(int count, int size)
    {
        int[] choice = [.. Enumerable.Range(0, size)];
        while (true)
        {
            yield return [.. choice];
            int at = size - 1;
            while (at >= 0 && choice[at] == count - size + at)
                at--;
            if (at < 0)
                yield break;
            choice[at]++;
            for (int i = at + 1; i < size; i++)
                choice[i] = choice[i - 1] + 1;
        }
    }

    private static bool IsName(string name) => name is { Length: > 0 and <= MaxNameLength } && name.All(c => c is > ' ' and < (char)0x7f);

    private static bool IsHex(string text, int bytes) => text.Length == 2 * bytes && text.All(char.IsAsciiHexDigitLower);

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is >= 1 and <= Shamir.MaxShares && text[0] != '0';
}
