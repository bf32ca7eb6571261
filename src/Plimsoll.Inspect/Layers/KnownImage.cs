using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Plimsoll.Inspect.Checks;
using Plimsoll.Inspect.Vulnerabilities;
using Plimsoll.Oci;

namespace Plimsoll.Inspect.Layers;

/// <summary>What the cache knows of one whole image: its composed inventory, and what a database said of that.</summary>
/// <remarks>
/// Composing and matching take longer than all else in a scan of known layers, and their answers are functions of what the keys
/// name: this build of the program, the config, the layers, the rules, the database and the day.
/// </remarks>
internal sealed class KnownImage
{
    private readonly LayerCache _cache;
    private readonly IReadOnlyList<FactGroup> _groups;
    private readonly string _key;

    private KnownImage(LayerCache cache, IReadOnlyList<FactGroup> groups, string key) => (_cache, _groups, _key) = (cache, groups, key);

    /// <returns>Null for what has no name of its own: a stream whose config comes last, a folder, bytes that nobody verifies.</returns>
    public static KnownImage? Of(Image image, IReadOnlyList<FactGroup> groups, LayerCache? cache)
    {
        if (cache is null || image.Verification != Verification.Full || image.Config is null || image.ConfigDigest is null)
            return null;
        StringBuilder text = new();
        text.Append("plimsoll image 1\n").Append(typeof(KnownImage).Module.ModuleVersionId).Append('\n').Append(typeof(Image).Module.ModuleVersionId)
            .Append('\n').Append(image.ConfigDigest).Append('\n');
        foreach (ImageLayer layer in image.Layers)
        {
            if (layer.DiffId is null)
                return null;
            text.Append(layer.DiffId).Append('\n');
        }
        foreach (FactGroup group in groups)
            text.Append(group.Key.ReplaceLineEndings(" ")).Append('\n');
        return new KnownImage(cache, groups, Hash(text.ToString()));
    }

    /// <returns>Null when it is not known, or when not every layer's bytes were shown to be what the image says.</returns>
    public Inventory? FindInventory(Image image, CancellationToken cancellationToken)
    {
        if (_cache.FindImage(_key) is not { } bytes)
            return null;
        Probe probe = new();
        image.ReadLayers(probe, 1, cancellationToken);
        return probe.AllProven ? InventoryCodec.Decode(bytes, image) : null;
    }

    /// <summary>Keeps it, unless some of its facts may not be kept.</summary>
    public void Add(Inventory inventory)
    {
        foreach (FactGroup group in _groups)
            if (!group.MayKeep())
                return;
        _cache.AddImage(_key, InventoryCodec.Encode(inventory));
        _cache.Flush();
    }

    /// <summary>As <see cref="Matcher.Match"/>, from the cache where the same was asked before.</summary>
    public MatchResult Match(Inventory inventory, IAdvisoryStore store, DateTimeOffset now)
    {
        // A store without a digest cannot be told from another one.
        if (store.Info.Digest.Length == 0)
            return Matcher.Match(inventory, store, now);
        string key = Hash(string.Create(CultureInfo.InvariantCulture, $"plimsoll match 1\n{_key}\n{store.Info.Digest}\n{store.Info.IsDatabase}\n{now.UtcDateTime:yyyy-MM-dd}"));
        if (_cache.FindImage(key) is { } bytes && MatchCodec.Decode(bytes, inventory) is { } known)
            return known;
        MatchResult result = Matcher.Match(inventory, store, now);
        if (MatchCodec.Encode(result, inventory) is { } encoded)
        {
            _cache.AddImage(key, encoded);
            _cache.Flush();
        }
        return result;
    }

    /// <summary>As <see cref="ICheck.Judge"/>, from the cache where the same was judged before.</summary>
    public CheckResult Judge(ICheck check, CheckInput input, Func<CheckResult> judge)
    {
        if (check.Judgement is not { } judgement)
            return judge();
        StringBuilder text = new();
        text.Append("plimsoll check 1\n").Append(_key).Append('\n').Append(check.Kind.Word()).Append('\n').Append(judgement.ReplaceLineEndings(" ")).Append('\n')
            .Append(input.Now.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)).Append('\n').Append(input.Image.Length).Append(' ').Append(input.Image).Append('\n');
        foreach (string tag in input.Tags)
            text.Append(tag.Length).Append(' ').Append(tag).Append('\n');
        string key = Hash(text.ToString());
        if (_cache.FindImage(key) is { } bytes && CheckCodec.Decode(key, bytes, input.Inventory) is { } known)
            return known;
        CheckResult result = judge();
        if (check.MayKeepFacts && CheckCodec.Encode(key, result, input.Inventory) is { } encoded)
        {
            _cache.AddImage(key, encoded);
            _cache.Flush();
        }
        return result;
    }

    /// <summary>What is secret in the image's history; that nothing is, which is the usual answer, is remembered, and no secret ever.</summary>
    public IReadOnlyList<string> SecretsOfHistory(Func<IReadOnlyList<string>> find)
    {
        string key = Hash($"plimsoll history 1\n{_key}");
        byte[] none = Encoding.ASCII.GetBytes(Hash($"none\n{key}"));
        if (_cache.FindImage(key) is { } known && known.AsSpan().SequenceEqual(none))
            return [];
        IReadOnlyList<string> found = find();
        if (found.Count == 0)
        {
            _cache.AddImage(key, none);
            _cache.Flush();
        }
        return found;
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    /// <summary>Reads no layer; hears whether each is proven.</summary>
    private sealed class Probe : ILayerVisitor
    {
        public bool AllProven { get; private set; } = true;

        public bool Skip(ImageLayer layer, bool proven)
        {
            AllProven &= proven;
            return true;
        }

        public object Visit(ImageLayer layer, EntryReader entries, CancellationToken cancellationToken) => throw new InvalidOperationException("no layer was asked for");

        public void Accept(ImageLayer layer, Digest? diffId, long tarBytes, object visited) => throw new InvalidOperationException("no layer was asked for");
    }
}
