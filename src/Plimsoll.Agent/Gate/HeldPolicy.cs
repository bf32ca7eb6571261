using Plimsoll.Agent.Plugin;
using Plimsoll.Keys;
using Plimsoll.Posix;
using Plimsoll.Texts;
using Plimsoll.Verify;

namespace Plimsoll.Agent.Gate;

/// <summary>The policy that holds now, or why there is none.</summary>
/// <param name="Signed">Null when no policy may be used.</param>
/// <param name="Trouble">Null with a policy.</param>
/// <param name="Judging">The policy with the measurement taken out, for who asks before anything was measured; its rules stay otherwise.</param>
internal sealed record PolicyState(SignedPolicy? Signed, Denial? Trouble, Policy? Judging);

/// <summary>Reads the signed policy of this host anew whenever its bytes are others; an older one than was seen is refused, and one of another key or name than the first.</summary>
/// <param name="loaded">Told of every policy that comes into force, and of every one that does not with its reason.</param>
internal sealed class HeldPolicy(AgentPaths paths, Counters counters, KnownPolicyKeys known, Action<PolicyState> loaded)
{
    private const int MaxKeyBytes = 64 * 1024;
    private const string Unkept = "policy-key-unkept";

    private readonly Lock _gate = new();
    private readonly KeptFile _policyFile = new(paths.Policy, SignedPolicy.MaxBytes), _keyFile = new(paths.PolicyKey, MaxKeyBytes);
    private byte[]? _policy, _key, _known;
    private PolicyState _state = new(null, NoPolicy("the agent has not read its policy yet"), null);

    /// <summary>Three small files are looked at for each question, so that a change counts from the next start on.</summary>
    public PolicyState Now()
    {
        lock (_gate)
        {
            byte[]? policy = null, key = null, keys = null;
            Denial? trouble = null;
            try
            {
                policy = _policyFile.Read();
                key = _keyFile.Read();
                keys = known.Read();
                if (policy is null || key is null)
                    trouble = NoPolicy($"{(policy is null ? paths.Policy : paths.PolicyKey)} is no regular file, or longer than a policy may be");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                trouble = NoPolicy(Escape.ForTerminal(e.Message));
            }
            if (trouble is null && IsSame(policy, _policy) && IsSame(key, _key) && IsSame(keys, _known))
                return _state;
            PolicyState state = trouble is not null ? new PolicyState(null, trouble, null) : Load(policy!, key!, ref keys);
            // What could not be kept is tried again.
            (_policy, _key, _known) = (state.Trouble?.Code == Unkept ? null : policy, key, keys);
            if (state.Trouble is not null && state.Trouble == _state.Trouble)
                return _state;
            _state = state;
            loaded(_state);
            return _state;
        }
    }

    private static bool IsSame(byte[]? now, byte[]? before) => now is null ? before is null : before is not null && now.AsSpan().SequenceEqual(before);

    private PolicyState Load(byte[] policy, byte[] key, ref byte[]? seen)
    {
        List<PublicKey> keys = [];
        try
        {
            keys.AddRange(KeyFile.ReadPublicKeys(System.Text.Encoding.UTF8.GetString(key), paths.PolicyKey));
            SignedPolicy signed = SignedPolicy.Open(policy, paths.Policy, keys, paths.PolicyKey);
            // First, so that a stranger's policy, or one of another name, leaves no counter behind.
            if (known.Check(signed, seen) is { } stranger)
                return new PolicyState(null, stranger, null);
            counters.Check(signed, keys.Select(k => k.Id), paths.Policy);
            seen = known.Keep(seen, [.. keys.Select(k => k.Id)], signed.Policy.Name);
            return new PolicyState(signed, null, WithoutMeasurement(signed.Policy));
        }
        catch (CounterException e)
        {
            return new PolicyState(null, new Denial("policy-rolled-back", e.Message), null);
        }
        catch (SignedPolicyException e)
        {
            return new PolicyState(null, new Denial(e.Error == SignedPolicyError.BadSignature ? "policy-unsigned" : "policy-malformed", e.Message), null);
        }
        catch (Exception e) when (e is DocumentException or KeyException)
        {
            return new PolicyState(null, new Denial("policy-malformed", e.Message), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new PolicyState(null, new Denial(Unkept, $"the policy's key cannot be kept: {Escape.ForTerminal(e.Message)}"), null);
        }
        finally
        {
            keys.ForEach(k => k.Dispose());
        }
    }

    private static Denial NoPolicy(string why) => new("no-policy", why);

    private static Policy WithoutMeasurement(Policy policy) =>
        policy.Trust is { } trust ? policy with { Trust = trust with { Images = [.. trust.Images.Select(i => i with { Measurement = null })] } } : policy;
}
