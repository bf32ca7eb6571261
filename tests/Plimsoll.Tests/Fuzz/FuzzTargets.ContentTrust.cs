using System.Text;
using Plimsoll.ContentTrust;
using Plimsoll.Tests.ContentTrust;

namespace Plimsoll.Tests.Fuzz;

/// <content>Metadata of Notary v1.</content>
internal static partial class FuzzTargets
{
    private static readonly Lazy<MemoryMetadata> Collection = new(() => new CollectionBuilder().Delegate("targets/releases", CollectionBuilder.Alice, ["1."], null, ("1.5", CollectionBuilder.Image), ("2", CollectionBuilder.Image)).Build());

    /// <summary>Each file of a collection replaced by the bytes: nothing may come of it but a refusal, or the very same collection.</summary>
    private static FuzzTarget ContentTrustMetadata => new()
    {
        Name = "content-trust-metadata",
        Seeds = () => [.. Collection.Value.Files.Values],
        Words =
        [
            "\"signed\":", "\"signatures\":[]", "\"_type\":\"Root\"", "\"_type\":\"Targets\"", "\"version\":-1", "\"version\":9007199254740993", "\"threshold\":0", "\"keyids\":[]", "\"keyval\":{}", "\"private\":\"AA==\"",
            "\"keytype\":\"rsa-x509\"", "\"keytype\":\"ecdsa-x509\"", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t", "\"paths\":null", "\"name\":\"targets/../x\"", "\"expires\":\"9999-12-31T23:59:59Z\"", "\"hashes\":{}", "\"sha512\":", "\"length\":1e9", "\\ud800", "\"delegations\":{\"roles\":null}",
        ],
        Refusal = e => e is ContentTrustException,
        Run = bytes =>
        {
            RootPin pin = RootPin.OfKeys([CollectionBuilder.RootKey.Id], "pin");
            // The parser of each form has it whole, before any signature; a seed is of one form only.
            foreach (Func<ReadOnlyMemory<byte>, TufMetadata> parse in (Func<ReadOnlyMemory<byte>, TufMetadata>[])
                [b => new RootMetadata(b, ContentTrustLimits.Default), b => new TimestampMetadata(b, ContentTrustLimits.Default), b => new SnapshotMetadata(b, ContentTrustLimits.Default), b => new TargetsMetadata("targets", b, ContentTrustLimits.Default)])
                try
                {
                    using TufMetadata parsed = parse(bytes);
                    WrongAnswerException.Unless(parsed.Version >= 1 && Encoding.UTF8.GetString(parsed.SignedBytes).Contains("\"_type\"", StringComparison.Ordinal), "metadata without a version or type");
                }
                catch (TufFormatException)
                {
                }
            MemoryMetadata changed = new();
            foreach ((string name, byte[] content) in Collection.Value.Files)
                changed.Files[name] = content;
            // In the place of the timestamp, whose hash nothing states: its signature alone stands in the way.
            changed.Files["timestamp.json"] = bytes;
            if (!Collection.Value.Files.Values.Any(f => f.AsSpan().SequenceEqual(bytes)))
                try
                {
                    TrustedCollection read = CollectionReader.Read(changed, CollectionBuilder.Gun, [pin], null, CollectionBuilder.Now);
                    WrongAnswerException.Unless(read.Targets.Count == 2 && read.Find("targets/releases", "2") is null, "another collection than was signed");
                }
                catch (ContentTrustException)
                {
                }
        },
    };
}
