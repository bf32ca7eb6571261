namespace Plimsoll.Verify.Start;

/// <summary>What a container shares with its host and with others: namespaces and the network.</summary>
internal static class StartSurroundings
{
    private const string Container = "container:";

    public static void Judge(StartRun run)
    {
        StartNamespaces n = run.Request.Namespaces;
        Mode(run, StartCheck.Pid, "pid", n.Pid, []);
        Mode(run, StartCheck.Ipc, "ipc", n.Ipc, ["none", "private", "shareable"]);
        Mode(run, StartCheck.Uts, "uts", n.Uts, []);
        Mode(run, StartCheck.UserNamespace, "user-namespace", n.User, []);
        // In its answer the engine writes its own default here, which is "host" with version 1 of cgroups.
        if (run.Request.Source != StartSource.Inspect || n.Cgroup.StartsWith(Container, StringComparison.Ordinal))
            Mode(run, StartCheck.CgroupNamespace, "cgroup-namespace", n.Cgroup, ["private"]);
        Network(run, run.Request.Network);
    }

    /// <summary>Any word that is not known counts as the host's namespace.</summary>
    private static void Mode(StartRun run, StartCheck check, string code, string mode, string[] harmless)
    {
        if (mode.StartsWith(Container, StringComparison.Ordinal))
            run.Flag(check, $"{code}-container", mode[Container.Length..]);
        else if (mode.Length > 0 && !harmless.Contains(mode, StringComparer.Ordinal))
            run.Flag(check, $"{code}-host", mode);
    }

    private static void Network(StartRun run, StartNetwork network)
    {
        foreach (string name in network.Endpoints.Append(network.Mode).Distinct(StringComparer.Ordinal))
            if (name.StartsWith(Container, StringComparison.Ordinal))
                run.Flag(StartCheck.ContainerNetwork, "network-container", name[Container.Length..]);
            else if (name == "host")
                run.Flag(StartCheck.HostNetwork, "network-host", name);
            else if (name is not ("" or "default" or "bridge" or "none") && !run.Allows(StartList.Networks, name))
                run.Flag(StartCheck.OtherNetwork, "network-not-allowed", name);
        foreach (StartPort port in network.Published)
        {
            if (port.Port is not ("" or "0") && !(StartPorts.TryParse(port.Port, out int first, out int last) && StartPorts.Covers(run.Rule[StartList.Ports], first, last)))
                run.Flag(StartCheck.Port, "port-not-allowed", port.Port);
            string address = port.Address.Length > 0 ? port.Address : "0.0.0.0";
            if (!run.Allows(StartList.Addresses, address))
                run.Flag(StartCheck.Address, "address-not-allowed", address);
        }
        if (network.PublishAll)
            run.Flag(StartCheck.PublishAll, "publish-all", "all");
        foreach (string link in network.Links)
            run.Flag(StartCheck.Links, "link", link);
        foreach (string server in network.Dns)
            run.Flag(StartCheck.Dns, "dns", server);
        foreach (string extra in network.ExtraHosts)
            run.Flag(StartCheck.ExtraHosts, "extra-hosts", extra);
    }
}
