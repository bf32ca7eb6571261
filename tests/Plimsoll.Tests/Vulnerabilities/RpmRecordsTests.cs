using Plimsoll.Inspect.Packages;
using Plimsoll.Inspect.Vulnerabilities;

namespace Plimsoll.Tests.Vulnerabilities;

public sealed class RpmRecordsTests
{
    private const string Plain = "1.0-1.el8", Modular = "1.0-1.module_el8.6.0+1+2";

    private static Affected Record(string fix, string title = "Important: nodejs security update", string id = "ALSA-2024:1", string? cve = "CVE-2024-1") => new()
    {
        Advisory = new Advisory { Id = id, Source = "AlmaLinux", Summary = title, Upstream = cve is null ? [] : [cve] },
        Ecosystem = "AlmaLinux:8",
        Package = "nodejs",
        Ranges = [new AffectedRange("ECOSYSTEM", [new RangeEvent("introduced", "0"), new RangeEvent("fixed", fix)])],
    };

    private static Package Installed(string version, string? module) =>
        new() { Type = "rpm", Name = "nodejs", Version = version, SourceName = "nodejs", SourceVersion = version, Module = module };

    [Theory]
    [InlineData(Plain, null, Plain, null, true)]
    [InlineData(Plain, null, Modular, null, false)]
    [InlineData(Modular, "nodejs:18", Plain, null, false)]
    [InlineData(Modular, "nodejs:18", Modular, null, true)]
    // An image built without the label still has the mark in its release.
    [InlineData(Modular, null, Modular, "Important: nodejs:20 security update", true)]
    [InlineData(Modular, "nodejs:18", Modular, "Important: nodejs:18 security update", true)]
    [InlineData(Modular, "nodejs:18", Modular, "Important: nodejs:20 security update", false)]
    [InlineData(Modular, "nodejs:18", Modular, "Important: nodejs:18 and nodejs:20 security update", true)]
    [InlineData(Modular, "virt-devel:rhel", Modular, "Important: virt:rhel and virt-devel:rhel security update", true)]
    [InlineData(Modular, "virt-devel:rhel", Modular, "Important: virt:rhel security update", true)]
    public void Concerning_ModuleAndStream_MustAgree(string version, string? module, string fix, string? title, bool concerns) =>
        Assert.Equal(concerns ? 1 : 0, RpmRecords.Concerning(Installed(version, module), [title is null ? Record(fix) : Record(fix, title)]).Count);

    [Theory]
    [InlineData("ALBA-2024:1", null, 0)]
    [InlineData("ALEA-2024:1", null, 0)]
    [InlineData("ALBA-2024:1", "CVE-2024-1", 1)]
    [InlineData("ALSA-2024:1", null, 1)]
    public void Concerning_BugFixWithoutCve_IsNoFlaw(string id, string? cve, int count) =>
        Assert.Equal(count, RpmRecords.Concerning(Installed(Plain, null), [Record(Plain, id: id, cve: cve)]).Count);

    [Fact]
    public void Concerning_OtherTypes_KeepTheirRecords() =>
        Assert.Single(RpmRecords.Concerning(Installed(Plain, null) with { Type = "deb" }, [Record(Modular)]));
}
