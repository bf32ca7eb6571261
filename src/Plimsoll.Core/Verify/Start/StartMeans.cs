using System.Globalization;

namespace Plimsoll.Verify.Start;

/// <summary>Devices, sysctls, masked paths, cgroup, log, limits, runtime, and how the image was asked for.</summary>
internal static class StartMeans
{
    public static void Judge(StartRun run)
    {
        StartRequest request = run.Request;
        for (int i = 0; i < request.Devices.Count; i++)
            Device(run, request.Devices[i], i < request.DeviceNumbers.Count ? request.DeviceNumbers[i] : null);
        foreach (string rule in request.DeviceRules)
            run.Flag(StartCheck.DeviceRule, "device-rule", rule);
        foreach (string driver in request.DeviceRequests)
            run.Flag(StartCheck.DeviceRequest, "device-request", driver);
        foreach ((string name, string value) in request.Sysctls)
            if (!run.Allows(StartList.Sysctls, name.Replace('/', '.')))
                run.Flag(StartCheck.Sysctl, "sysctl", $"{name}={value}");
        Masked(run);
        if (request.CgroupParent.Length > 0 && !run.Allows(StartList.CgroupParents, request.CgroupParent))
            run.Flag(StartCheck.CgroupParent, "cgroup-parent", request.CgroupParent);
        Logging(run);
        Resources(run, request.Resources);
        Runtime(run);
        if (!request.ByDigest && request.Source is StartSource.Create or StartSource.Inspect)
            run.Flag(StartCheck.NotByDigest, "image-by-name", request.Image);
    }

    /// <param name="number">What a spec says that it is: its path there is only how the container names it.</param>
    private static void Device(StartRun run, string device, string? number)
    {
        if (StartPaths.Fold(device) is not { } path || !run.Allows(StartList.Devices, path)
            || (run.Host.Resolve is { } resolve && !(resolve(path) is { } led && run.Allows(StartList.Devices, led))))
            run.Flag(StartCheck.Device, "device", device);
        else if (number is not null && run.Host.DeviceAt is { } at && at(path) is var own && own != number)
            run.Flag(StartCheck.Device, "device", $"{device}: {number}, where the host has {own ?? "none"}");
    }

    private static void Masked(StartRun run)
    {
        // In a privileged container nothing is masked, which is part of what is said of it.
        if (run.Request.Process.Privileged)
            return;
        foreach ((IReadOnlyList<string>? paths, IReadOnlyList<string> wanted) in (ReadOnlySpan<(IReadOnlyList<string>?, IReadOnlyList<string>)>)
            [(run.Request.MaskedPaths, run.Request.Source == StartSource.Create ? StartDefaults.NewestMaskedPaths : StartDefaults.MaskedPaths), (run.Request.ReadonlyPaths, StartDefaults.ReadonlyPaths)])
            foreach (string path in wanted)
                if (paths is not null && !paths.Contains(path, StringComparer.Ordinal))
                    run.Flag(StartCheck.Unmasked, "paths-unmasked", path);
    }

    private static void Logging(StartRun run)
    {
        if (run.Request.LogDriver.Length > 0 && !run.Allows(StartList.LogDrivers, run.Request.LogDriver))
            run.Flag(StartCheck.LogDriver, "log-driver", run.Request.LogDriver);
        foreach ((string name, string value) in run.Request.LogOptions)
            if ((StartDefaults.LogAddresses.Contains(name, StringComparer.OrdinalIgnoreCase) || value.Contains("://", StringComparison.Ordinal)) && !run.Allows(StartList.LogAddresses, value))
                run.Flag(StartCheck.LogAddress, "log-address", $"{name}={value}");
    }

    private static void Resources(StartRun run, StartResources resources)
    {
        if (resources.Memory <= 0)
            run.Flag(StartCheck.NoMemory, "no-memory-limit", "memory");
        else
            Most(run, StartLimit.Memory, "memory", resources.Memory);
        if (run.Rule[StartLimit.Memory] is { } memory && (resources.MemorySwap < 0 || resources.MemorySwap > 2 * memory))
            run.Flag(StartCheck.Above, "limit-above", $"memory-swap {(resources.MemorySwap < 0 ? "none" : StartJson.LimitText(StartLimit.Memory, resources.MemorySwap))} > {StartJson.LimitText(StartLimit.Memory, 2 * memory)}");
        if (resources.NanoCpus <= 0 && resources.CpuSet.Length == 0)
            run.Flag(StartCheck.NoCpu, "no-cpu-limit", "cpu");
        else if (run.Rule[StartLimit.Cpus] is not null)
            Most(run, StartLimit.Cpus, "cpus", resources.NanoCpus > 0 ? resources.NanoCpus : Processors(resources.CpuSet) * 1_000_000_000);
        if (resources.Pids <= 0)
            run.Flag(StartCheck.NoPids, "no-pids-limit", "pids");
        else
            Most(run, StartLimit.Pids, "pids", resources.Pids);
        if (resources.OomKillDisabled)
            run.Flag(StartCheck.Oom, "oom-protected", "OomKillDisable");
        if (resources.OomScore < 0)
            run.Flag(StartCheck.Oom, "oom-protected", $"OomScoreAdj {resources.OomScore.ToString(CultureInfo.InvariantCulture)}");
        if (resources.RealTime)
            run.Flag(StartCheck.RealTime, "real-time", "CpuRealtimeRuntime");
        foreach (string name in resources.Ulimits)
            run.Flag(StartCheck.Ulimit, "ulimit", name);
    }

    private static void Most(StartRun run, StartLimit limit, string what, long value)
    {
        if (run.Rule[limit] is { } most && value > most)
            run.Flag(StartCheck.Above, "limit-above", $"{what} {StartJson.LimitText(limit, value)} > {StartJson.LimitText(limit, most)}");
    }

    /// <summary>How many a list of numbers names; one that cannot be read counts as more than any limit.</summary>
    private static long Processors(string set)
    {
        HashSet<int> all = [];
        if (set.Length > MaxProcessor)
            return MaxProcessor;
        foreach (string part in set.Split(','))
        {
            int dash = part.IndexOf('-', StringComparison.Ordinal), last = 0;
            if (!int.TryParse(dash < 0 ? part : part.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out int first)
                || !int.TryParse(dash < 0 ? part : part.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out last) || last < first || last > MaxProcessor)
                return MaxProcessor;
            for (int i = first; i <= last; i++)
                all.Add(i);
        }
        return all.Count;
    }

    /// <summary>The kernel knows no more, and no longer list of them is read.</summary>
    private const int MaxProcessor = 8192;

    private static void Runtime(StartRun run)
    {
        StartRequest request = run.Request;
        string runtime = request.Runtime is null ? "?" : request.Runtime.Length == 0 ? "default" : request.Runtime;
        // Who reads a spec must say which launcher was called; what nobody said is nothing that is allowed.
        if (request.Runtime is null || !run.Allows(StartList.Runtimes, runtime) || (request.Runtime == "default" && request.Source != StartSource.Spec))
            run.Flag(StartCheck.Runtime, "runtime-not-allowed", runtime);
        if (request.Isolation.Length > 0 && !request.Isolation.Equals("default", StringComparison.OrdinalIgnoreCase))
            run.Flag(StartCheck.Isolation, "isolation", request.Isolation);
        foreach ((string name, string _) in request.StorageOptions)
            if (!run.Allows(StartList.StorageOptions, name))
                run.Flag(StartCheck.StorageOption, "storage-option", name);
        foreach ((string name, string _) in request.Annotations)
            if (!run.Allows(StartList.Annotations, name))
                run.Flag(StartCheck.Annotation, "annotation", name);
        if (!request.ReadonlyRoot)
            run.Flag(StartCheck.WritableRoot, "root-writable", "--read-only");
        if (request.RestartPolicy is not ("" or "no"))
            run.Flag(StartCheck.Restart, "restart-policy", request.RestartPolicy);
    }
}
