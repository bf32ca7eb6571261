namespace Plimsoll.Inspect.Packages.Rpm;

/// <summary>The tags of a header that are read. Source: rpm's rpmtag.h.</summary>
enum RpmTag
{
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Epoch = 1003,
    Vendor = 1011,
    License = 1014,
    Arch = 1022,
    FileStates = 1029,
    FileDigests = 1035,
    SourceRpm = 1044,
    DirIndexes = 1116,
    BaseNames = 1117,
    DirNames = 1118,
    FileDigestAlgo = 5011,
    ModularityLabel = 5096,
}

/// <summary>Types of a tag's data that are read. Source: rpm's rpmtag.h, rpmTagType.</summary>
enum RpmType
{
    Char = 1,
    Int32 = 4,
    String = 6,
    StringArray = 8,
    I18nString = 9,
}
