using Plimsoll.TestKit;

[assembly: AssemblyFixture(typeof(Plimsoll.EndToEnd.SharedDocker))]

namespace Plimsoll.EndToEnd;

/// <summary>One Docker daemon for all tests here; started when first asked for.</summary>
public sealed class SharedDocker : IDisposable
{
    private readonly HashSet<string> _loaded = [];
    private readonly Lazy<TestDocker> _docker = new(() => new TestDocker());

    public TestDocker Docker => _docker.Value;

    /// <summary>What <c>docker load</c> does; a second time it is already there.</summary>
    public void Load(string archive)
    {
        lock (_loaded)
            if (_loaded.Add(archive))
                Docker.Load(File.ReadAllBytes(archive));
    }

    public string Host => $"unix://{Docker.Socket}";

    public void Dispose()
    {
        if (_docker.IsValueCreated)
            _docker.Value.Dispose();
    }
}
