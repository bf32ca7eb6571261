using System.Security.Cryptography;
using Plimsoll.Oci;
using Plimsoll.Posix;
using Plimsoll.Texts;

namespace Plimsoll.Sign;

/// <summary>
/// Collects what speaks for an image: cosign's signature and attestation tags, and referrers with sigstore bundles. Nothing is
/// judged. What cannot be read, or is past a bound, is a gap, so that whoever attaches nonsense hides nothing without a word.
/// </summary>
public static class EvidenceReader
{
    /// <summary>cosign's attestations before it had bundles: a DSSE envelope in a layer of <c>sha256-HEX.att</c>.</summary>
    public const string EnvelopeMediaType = "application/vnd.dsse.envelope.v1+json";

    /// <summary>Annotation of a layer that was signed with a certificate.</summary>
    private const string CertificateAnnotation = "dev.sigstore.cosign/certificate";

    /// <summary>What is found for an image at each of its digests.</summary>
    /// <param name="source">
    /// A registry, a layout, a bundle file. A host that has the image by <c>docker load</c> knows its config only, while statements hang
    /// on its manifest: then a store that can list what it holds (<see cref="IArtifactList"/>) is searched for what names the config.
    /// </param>
    public static Evidence Read(IArtifactSource source, ImageDigests image, EvidenceLimits limits, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(limits);
        // Files are read and parsed in one go without root's rights; a registry may need root's credentials, and the helper that keeps them.
        return source is LayoutArtifacts ? Unprivileged.Run(Collect) : Collect();

        Evidence Collect()
        {
            Collector collector = new(source, image, limits, cancellationToken);
            foreach (Digest digest in image.All)
                collector.ReadAttached(digest);
            if (source is IArtifactList list && image.Manifest is null)
                collector.ReadListed(list);
            return collector.Found();
        }
    }

    /// <summary>The evidence of several stores, in their order.</summary>
    public static Evidence Join(params IEnumerable<Evidence> parts)
    {
        List<ImageSignature> signatures = [];
        List<Attestation> attestations = [];
        List<EvidenceGap> gaps = [];
        foreach (Evidence part in parts)
        {
            signatures.AddRange(part.Signatures);
            attestations.AddRange(part.Attestations);
            gaps.AddRange(part.Gaps);
        }
        return new Evidence { Signatures = signatures, Attestations = attestations, Gaps = gaps };
    }

    private sealed class Collector(IArtifactSource source, ImageDigests image, EvidenceLimits limits, CancellationToken cancellationToken)
    {
        private readonly List<ImageSignature> _signatures = [];
        private readonly List<Attestation> _attestations = [];
        private readonly List<EvidenceGap> _gaps = [];
        private readonly HashSet<Digest> _seen = [];
        private int _gapsBeyond, _read, _referrers;
        private bool _tooMany, _tooLong;
        private long _bytes;

        public Evidence Found()
        {
            if (_gapsBeyond > 0)
                _gaps.Add(new EvidenceGap("more-gaps", $"{source.Name}: {_gapsBeyond} more that could not be read"));
            return new Evidence { Signatures = _signatures, Attestations = _attestations, Gaps = _gaps };
        }

        public void ReadAttached(Digest digest)
        {
            foreach (string suffix in (ReadOnlySpan<string>)["sig", "att"])
                Try(() =>
                {
                    if (source.FindManifest($"{digest.Algorithm}-{digest.Hex}.{suffix}", cancellationToken) is { } manifest)
                        ReadArtifact(manifest, digest);
                });
            Try(() =>
            {
                foreach (Descriptor referrer in source.ListReferrers(digest, cancellationToken))
                {
                    if (!MayBeEvidence(referrer) || !Digest.TryParse(referrer.Digest, out Digest? named) || _seen.Contains(named))
                        continue;
                    if (!TakeReferrer(digest))
                        break;
                    Try(() => ReadReferrer(named, digest));
                }
            });
        }

        /// <summary>What the store lists and was not reached by one of the image's digests.</summary>
        public void ReadListed(IArtifactList list) => Try(() =>
        {
            int looked = 0;
            foreach (Descriptor listed in list.ListManifests(cancellationToken))
            {
                if (!MayBeEvidence(listed) || MediaTypes.IsIndex(listed.MediaType) || !Digest.TryParse(listed.Digest, out Digest? named) || _seen.Contains(named))
                    continue;
                if (looked++ >= limits.MaxListed)
                {
                    TooMany($"{source.Name}: more than {limits.MaxListed} manifests (MaxListed)");
                    break;
                }
                Try(() => ReadReferrer(named, null));
            }
        });

        // cosign 2.5 puts another type into the index of its fallback tag than into the manifest, so only types of others are passed over.
        private static bool MayBeEvidence(Descriptor referrer) => string.IsNullOrEmpty(referrer.ArtifactType)
            || referrer.ArtifactType.Contains("sigstore", StringComparison.Ordinal) || referrer.ArtifactType.Contains("cosign", StringComparison.Ordinal)
            || referrer.ArtifactType.Contains("dsse", StringComparison.Ordinal) || referrer.ArtifactType.Contains("in-toto", StringComparison.Ordinal)
            || referrer.ArtifactType is "application/vnd.oci.empty.v1+json" or MediaTypes.OciConfig;

        private bool TakeReferrer(Digest subject)
        {
            if (_referrers++ < limits.MaxReferrers)
                return true;
            TooMany($"{source.Name}: more than {limits.MaxReferrers} manifests refer to {subject} (MaxReferrers)");
            return false;
        }

        /// <param name="wanted">What it is listed as referring to; null: whatever it does, if that speaks of the image.</param>
        private void ReadReferrer(Digest named, Digest? wanted)
        {
            if (source.FindManifest(named.ToString(), cancellationToken) is not { } manifest)
            {
                Gap("missing-referrer", $"{source.Name}: {named} is listed and is not there");
                return;
            }
            if (manifest.Digest != named)
            {
                Gap("unreadable-artifact", $"{source.Name}: {manifest.Digest} came for {named}");
                return;
            }
            ArtifactManifest artifact = Parse(manifest);
            if (artifact.Subject is null && wanted is null)
                return;
            if (artifact.Subject is not { } subject || (wanted is not null && subject != wanted))
                Gap("other-subject", $"{source.Name}: {named} is listed as referring to {wanted} and refers to {artifact.Subject?.ToString() ?? "nothing"}");
            else
                ReadLayers(manifest, artifact, subject, onlyAboutImage: wanted is null);
        }

        private void ReadArtifact(StoredManifest manifest, Digest attached) => ReadLayers(manifest, Parse(manifest), attached, onlyAboutImage: false);

        private ArtifactManifest Parse(StoredManifest manifest)
        {
            Count(manifest.Bytes.Length);
            return ArtifactManifest.Parse(manifest.Bytes, limits.MaxSignatures, $"{source.Name}: {manifest.Digest}");
        }

        private void ReadLayers(StoredManifest manifest, ArtifactManifest artifact, Digest attached, bool onlyAboutImage)
        {
            if (!_seen.Add(manifest.Digest))
                return;
            string where = $"{source.Name}: {manifest.Digest}";
            foreach (ArtifactLayer layer in artifact.Layers)
            {
                if (layer.MediaType is not (SimpleSigning.MediaType or EnvelopeMediaType) && !SigstoreBundle.IsMediaType(layer.MediaType))
                    continue;
                if (_read >= limits.MaxSignatures)
                {
                    TooMany($"{where}: more than {limits.MaxSignatures} signatures and attestations (MaxSignatures)");
                    return;
                }
                // A bundle file may speak of a thousand images; what turns out to be about others is bounded by MaxListed and MaxTotalBytes.
                if (!onlyAboutImage)
                    _read++;
                Try(() => ReadLayer(layer, attached, where, onlyAboutImage));
            }
            if (artifact.LayersBeyond > 0)
                TooMany($"{where}: {artifact.LayersBeyond} more signatures and attestations than the {limits.MaxSignatures} (MaxSignatures) that are looked at");
        }

        private void ReadLayer(ArtifactLayer layer, Digest attached, string where, bool onlyAboutImage)
        {
            if (layer.Annotations.GetValueOrDefault(CertificateAnnotation) is { Length: > 0 })
                Gap("unsupported-identity", $"{where}: {layer.Digest} is signed with a certificate; keys are judged here");
            else if (layer.MediaType == SimpleSigning.MediaType)
                ReadSignature(layer, attached, where, onlyAboutImage);
            else if (layer.MediaType == EnvelopeMediaType)
            {
                if (!DsseEnvelope.TryParse(Blob(layer, SigstoreBundle.MaxBytes), out DsseEnvelope? envelope))
                    Gap("unreadable-attestation", $"{where}: {layer.Digest} is no DSSE envelope");
                else
                    Add(envelope, attached, where, onlyAboutImage);
            }
            else
                ReadBundle(layer, attached, where, onlyAboutImage);
        }

        private void ReadSignature(ArtifactLayer layer, Digest attached, string where, bool onlyAboutImage)
        {
            if (onlyAboutImage && !image.All.Contains(attached))
                return;
            if (!TrySignature(layer, SimpleSigning.SignatureAnnotation, out ReadOnlyMemory<byte> signature) || signature.IsEmpty || !TrySignature(layer, SimpleSigning.MlDsaAnnotation, out ReadOnlyMemory<byte> second))
                Gap("unreadable-signature", $"{where}: {layer.Digest} has no signature of at most {SimpleSigning.MaxSignatureBytes} bytes in base64");
            else
            {
                _signatures.Add(new ImageSignature(Blob(layer, SimpleSigning.MaxBytes), signature, attached, where) { MlDsaSignature = second });
                CountKept(onlyAboutImage);
            }
        }

        /// <summary>False for an annotation that is no signature; empty where there is none.</summary>
        private static bool TrySignature(ArtifactLayer layer, string annotation, out ReadOnlyMemory<byte> signature)
        {
            signature = default;
            if (!layer.Annotations.TryGetValue(annotation, out string? text))
                return true;
            byte[] bytes = new byte[SimpleSigning.MaxSignatureBytes];
            if (!Convert.TryFromBase64String(text, bytes, out int length) || length == 0)
                return false;
            signature = bytes.AsMemory(0, length);
            return true;
        }

        private void ReadBundle(ArtifactLayer layer, Digest attached, string where, bool onlyAboutImage)
        {
            SigstoreBundle bundle;
            try
            {
                bundle = SigstoreBundle.Parse(Blob(layer, SigstoreBundle.MaxBytes), $"{where}: {layer.Digest}");
            }
            catch (FormatException e)
            {
                Gap("unreadable-bundle", e.Message);
                return;
            }
            if (bundle.ByCertificate)
                Gap("unsupported-identity", $"{where}: {layer.Digest} is signed with a certificate; keys are judged here");
            else if (!TrySignature(layer, SimpleSigning.MlDsaAnnotation, out ReadOnlyMemory<byte> second))
                Gap("unreadable-signature", $"{where}: {layer.Digest} has beside it no signature of at most {SimpleSigning.MaxSignatureBytes} bytes in base64");
            else if (bundle.Envelope is { } envelope)
                Add(second.IsEmpty ? envelope : envelope with { Signatures = [.. envelope.Signatures, new DsseSignature("", second)] }, attached, where, onlyAboutImage);
            else
                Gap("unsupported-signature", $"{where}: {layer.Digest} is a signature over bytes that stand elsewhere; envelopes and simple signing are judged here");
        }

        private void Add(DsseEnvelope envelope, Digest attached, string where, bool onlyAboutImage)
        {
            // Beside the image hang statements about others in the same store; of these only what speaks of this one is kept.
            if (onlyAboutImage && !image.All.Contains(attached) && !Speaks(envelope, where))
                return;
            _attestations.Add(new Attestation(envelope, attached, where));
            CountKept(onlyAboutImage);
        }

        private void CountKept(bool onlyAboutImage)
        {
            if (onlyAboutImage)
                _read++;
        }

        private bool Speaks(DsseEnvelope envelope, string where)
        {
            try
            {
                return Statement.ParseForeign(envelope.Payload, where).Subjects.Any(s => image.All.Contains(s.Digest));
            }
            catch (FormatException)
            {
                return false;
            }
        }

        private byte[] Blob(ArtifactLayer layer, int most)
        {
            if (layer.Size > most)
                throw new FormatException($"{source.Name}: {layer.Digest} has {layer.Size} bytes, at most {most}");
            Count(layer.Size);
            using Stream stream = source.OpenBlob(layer.Digest, layer.Size, cancellationToken);
            byte[] content = new byte[layer.Size];
            stream.ReadExactly(content);
            // Reading to the end is what checks it; the digest is looked at here too, because all else is judged by these bytes.
            if (stream.ReadByte() >= 0 || !HasDigest(content, layer.Digest))
                throw new ImageException(ImageError.DigestMismatch, $"{source.Name}: the bytes of {layer.Digest} are others");
            return content;
        }

        private static bool HasDigest(byte[] content, Digest digest) => digest.Hex == Convert.ToHexStringLower(digest.Algorithm switch
        {
            "sha256" => SHA256.HashData(content),
            "sha384" => SHA384.HashData(content),
            _ => SHA512.HashData(content),
        });

        private void Count(long bytes)
        {
            if ((_bytes += bytes) <= limits.MaxTotalBytes)
                return;
            _bytes -= bytes;
            throw new EvidenceTooLongException();
        }

        /// <summary>What goes wrong with one piece is a gap, and the next is read.</summary>
        private void Try(Action action)
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                action();
            }
            catch (FormatException e)
            {
                Gap("unreadable-artifact", e.Message);
            }
            catch (EndOfStreamException)
            {
                Gap("unreadable-artifact", $"{source.Name}: a blob ends before its size");
            }
            catch (EvidenceTooLongException)
            {
                if (!_tooLong)
                    _gaps.Insert(0, new EvidenceGap("too-many-bytes", $"{source.Name}: evidence of more than {limits.MaxTotalBytes} bytes (MaxTotalBytes)"));
                _tooLong = true;
            }
            catch (ImageException e) when (e.Error == ImageError.LimitExceeded)
            {
                TooMany(Escape.ForTerminal(e.Message));
            }
            catch (ImageException e)
            {
                Gap(e.Error is ImageError.PeerFailed or ImageError.AccessDenied ? "store-unreachable" : "unreadable-artifact", Escape.ForTerminal(e.Message));
            }
        }

        private void TooMany(string message)
        {
            // First, and however many others there are.
            if (!_tooMany)
                _gaps.Insert(0, new EvidenceGap("too-many-signatures", message));
            _tooMany = true;
        }

        private void Gap(string code, string message)
        {
            if (_gaps.Count(g => g.Code is not ("too-many-signatures" or "too-many-bytes")) < limits.MaxGaps)
                _gaps.Add(new EvidenceGap(code, message));
            else
                _gapsBeyond++;
        }
    }

    private sealed class EvidenceTooLongException : Exception;
}
