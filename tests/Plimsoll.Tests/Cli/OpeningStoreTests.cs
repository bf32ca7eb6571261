using System.Reflection;
using Plimsoll.Cli;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Tests.Cli;

public sealed class OpeningStoreTests
{
    [Fact]
    public void Store_HandsOnEveryQuestion()
    {
        // A member of the interface with a body of its own would otherwise answer here instead of the database.
        InterfaceMapping map = typeof(OpeningStore).GetInterfaceMap(typeof(IAdvisoryStore));
        Assert.All(map.TargetMethods, m => Assert.Equal(typeof(OpeningStore), m.DeclaringType));
        Assert.True(map.TargetMethods.Length >= 6);
    }
}
