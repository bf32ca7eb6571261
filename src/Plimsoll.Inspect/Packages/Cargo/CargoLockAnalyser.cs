namespace Plimsoll.Inspect.Packages.Cargo;

/// <summary>Cargo.lock. What has no source there is the project itself.</summary>
/// <remarks>Source: doc.rust-lang.org/cargo, "Cargo.toml vs Cargo.lock", and the files that cargo writes (versions 1 to 4).</remarks>
public sealed class CargoLockAnalyser : LanguageAnalyser
{
    public override string Id => "cargo-lock";

    public override string LastBytes => "k";

    /// <summary>Those below cargo's own folder came with the sources of a crate.</summary>
    public override bool Wants(ReadOnlySpan<byte> path) =>
        path is [.., (byte)'k'] && IsNamed(path, "Cargo.lock"u8) && !IsBelow(path, "/registry/src/"u8) && !IsBelow(path, "/git/checkouts/"u8);

    private protected override void Read(string path, ReadOnlyMemory<byte> content, PackageList packages) => TomlLock.Read(content.Span, packages, table =>
    {
        if (table.Raw("source") is not null || table.Text("name") is null || table.Text("version") is null)
            packages.Add("cargo", table.Text("name"), table.Text("version"), PackageEvidence.LockFile);
    });
}
