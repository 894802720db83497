//! What names tell: which files are settings, which directories are a library's, which homes are the system's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// Names under which settings are kept.
pub(super) fn is_telling(name: &OsStr) -> bool {
    let name = name.as_bytes().to_ascii_lowercase();
    let name = [&b".bak"[..], b".old", b".orig", b".backup", b"~"]
        .iter()
        .find_map(|end| name.strip_suffix(*end))
        .unwrap_or(&name);
    let extension = name.iter().rposition(|&byte| byte == b'.').map_or(&b""[..], |dot| &name[dot + 1..]);
    name.starts_with(b".env")
        || name.starts_with(b"dockerfile")
        || SETTINGS.contains(&extension)
        || TELLING.iter().any(|part| name.starts_with(part))
        || (extension.is_empty()
            && matches!(name, b"config" | b"environment" | b"passwd-s3fs" | b".passwd-s3fs"))
}

/// Directories whose files are somebody's own, and not a library's.
pub(super) fn is_own(name: &OsStr) -> bool {
    let name = name.as_bytes();
    !OF_LIBRARIES.contains(&name) && (!name.starts_with(b".") || OWN_HIDDEN.contains(&name))
}

pub(super) fn is_configuration(name: &OsStr) -> bool {
    !OF_PACKAGES.contains(&name.as_bytes())
}

pub(super) fn is_unit(name: &OsStr) -> bool {
    let extension = Path::new(name).extension().map(OsStr::as_bytes).unwrap_or_default();
    matches!(extension, b"service" | b"conf" | b"env")
}

/// All but what programs compile for themselves.
pub(super) fn is_written_by_hand(name: &OsStr) -> bool {
    !COMPILED.contains(&name.as_bytes())
}

/// Homes of `daemon`, `bin`, `sys` and the like.
pub(super) fn is_systems(home: &Path) -> bool {
    let is_top = home.components().count() <= 2 && home != Path::new("/root");
    is_top || OF_THE_SYSTEM.iter().any(|top| home.starts_with(top))
}

pub(super) fn is_kernels(home: &Path) -> bool {
    ["/proc", "/sys", "/dev"].iter().any(|top| home.starts_with(top))
}

/// Most names of files say so, and asking the kernel about each costs more than everything else.
pub(super) fn may_be_folder(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let extension = name.iter().rposition(|&byte| byte == b'.').map_or(&b""[..], |dot| &name[dot + 1..]);
    !OF_FILES.contains(&extension)
}

const SETTINGS: &[&[u8]] = &[
    b"cfg",
    b"conf",
    b"config",
    b"csv",
    b"env",
    b"ini",
    b"json",
    b"properties",
    b"service",
    b"sh",
    b"tf",
    b"tfstate",
    b"tfvars",
    b"toml",
    b"xml",
    b"yaml",
    b"yml",
];
/// Programs keep settings in their own language, too.
const TELLING: &[&[u8]] = &[
    b"accesskeys",
    b"application.",
    b"aws",
    b"config.",
    b"credential",
    b"database.",
    b"docker-compose",
    b"local_settings",
    b"parameters.",
    b"rootkey",
    b"secret",
    b"settings.",
    b"wp-config",
    b"local.",
    b"env.",
    b"s3",
];
const OF_LIBRARIES: &[&[u8]] = &[
    b"node_modules",
    b"bower_components",
    b"vendor",
    b"venv",
    b"site-packages",
    b"dist-packages",
    b"__pycache__",
    b"dist",
    b"target",
    b"go",
    b"locale",
    b"share",
    b"doc",
    b"docs",
    b"man",
    b"include",
    b"lib64",
    b"man-db",
    b"botocore",
    b"objects",
    b"refs",
    b"hooks",
    b"logs",
    b"awscli",
    b"aws-cli",
    b"terminfo",
    b"zoneinfo",
];
const OWN_HIDDEN: &[&[u8]] = &[
    b".git",
    b".ebextensions",
    b".elasticbeanstalk",
    b".github",
    b".terraform",
    b".chalice",
    b".streamlit",
    b".kube",
];
const COMPILED: &[&[u8]] = &[b"hwdb.bin", b"ld.so.cache", b"aliases.db", b"moduli", b"magic.mgc"];
/// In /etc: what a package fills and nobody writes an access key into.
const OF_PACKAGES: &[&[u8]] = &[
    b"alternatives",
    b"apparmor.d",
    b"ca-certificates",
    b"fonts",
    b"java",
    b"ld.so.conf.d",
    b"pki",
    b"rc0.d",
    b"rc1.d",
    b"rc2.d",
    b"rc3.d",
    b"rc4.d",
    b"rc5.d",
    b"rc6.d",
    b"rcS.d",
    b"selinux",
    b"ssl",
    b"terminfo",
    b"X11",
    b"xml",
];
const OF_THE_SYSTEM: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/etc",
    "/run",
    "/var/run",
    "/var/spool",
    "/var/cache",
    "/var/log",
    "/var/backups",
    "/var/mail",
    "/lib",
    "/boot",
    "/opt",
    "/srv",
    "/var/www",
    "/tmp",
    "/var/tmp",
];
const OF_FILES: &[&[u8]] = &[
    b"a", b"bak", b"bin", b"bmp", b"bz2", b"c", b"cc", b"class", b"conf", b"cpp", b"crt", b"css", b"db",
    b"deb", b"eot", b"exe", b"gem", b"gif", b"go", b"gz", b"h", b"hpp", b"htm", b"html", b"ico", b"jar",
    b"java", b"jpeg", b"jpg", b"js", b"json", b"jsx", b"key", b"less", b"lock", b"log", b"map", b"md",
    b"mjs", b"mo", b"mp3", b"mp4", b"o", b"pdf", b"pem", b"php", b"pl", b"png", b"po", b"py", b"pyc", b"pyi",
    b"rb", b"rpm", b"rs", b"rst", b"scss", b"service", b"sh", b"so", b"sock", b"sql", b"svg", b"tar", b"tgz",
    b"ts", b"tsx", b"ttf", b"txt", b"vue", b"war", b"webp", b"whl", b"woff", b"woff2", b"xml", b"xz",
    b"yaml", b"yml", b"zip", b"zst",
];
