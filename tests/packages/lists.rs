//! The files that apt and dpkg keep, in every form that they may have on the disk.

use super::scenarios::{STABLE, Tree, VENDOR, package};
use super::*;

#[test]
fn a_list_is_read_however_it_is_compressed() {
    for (extension, program) in [("gz", "gzip"), ("xz", "xz"), ("zst", "zstd"), ("lz4", "lz4")] {
        let tree = Tree::new().installed("x", "1").archive("a", STABLE, &["x 2"]).finish();
        compress(tree.path(), extension, program);
        let apts = apts(&mut apt_at(tree.path()));
        assert_eq!((ours(tree.path()), apts.len()), (apts, 1), "{extension}");
    }
}

/// apt reads it, and we say that we do not: nobody may take that for nothing to do.
#[test]
fn a_list_in_a_form_of_old_is_not_passed_over_in_silence() {
    for (extension, program) in [("bz2", "bzip2"), ("lzma", "lzma")] {
        let tree = Tree::new().installed("x", "1").archive("a", STABLE, &["x 2"]).finish();
        compress(tree.path(), extension, program);
        assert_eq!(apts(&mut apt_at(tree.path())).len(), 1, "{extension}");
        let updates = Packages::of(&Host::at(tree.path()).unwrap()).updates.unwrap();
        let unsure: Vec<String> = updates.unsure.iter().map(ToString::to_string).collect();
        assert!(unsure.iter().any(|cause| cause.contains("compression is not understood")), "{unsure:?}");
    }
}

fn compress(root: &Path, extension: &str, program: &str) {
    let list = root.join("var/lib/apt/lists/a.example_r_dists_s_main_binary-amd64_Packages");
    let packed = Command::new(program).arg("-c").arg(&list).output().unwrap();
    assert!(packed.status.success(), "{program}");
    fs::write(
        list.with_file_name(format!("a.example_r_dists_s_main_binary-amd64_Packages.{extension}")),
        packed.stdout,
    )
    .unwrap();
    fs::remove_file(list).unwrap();
}

/// The lists of a source that is configured no more stay until the next apt-get update, and count for nothing.
#[test]
fn leftovers_of_other_sources_do_not_count() {
    let mut tree = Tree::new().installed("x", "1").archive("b", VENDOR, &["x 9"]);
    tree.configuration.clear();
    tree.archive("a", STABLE, &["x 2"]).check(1);
}

#[test]
fn one_stanza_stands_for_suites_and_components_and_keys() {
    let prefix = "var/lib/apt/lists/a.example_r_dists_";
    let list =
        |name: &str| format!("Package: {name}\nVersion: 2\nArchitecture: amd64\nFilename: x\nSize: 1\n\n");
    let release = |suite: &str| {
        format!(
            "Origin: O\nSuite: {suite}\nDate: Fri, 20 Nov 2026 00:12:41 UTC\nArchitectures: amd64\nSHA256:\n 0 0 main/binary-amd64/Packages\n \
             0 0 more/binary-amd64/Packages\n"
        )
    };
    let mut tree = Tree::new().write(
        "etc/apt/sources.list.d/a.sources",
        "Types: deb\nURIs: http://a.example/r\nSuites: s t\nComponents: main more\nSigned-By: /usr/share/keyrings/x.gpg\n",
    );
    for (number, (suite, component)) in
        [("s", "main"), ("s", "more"), ("t", "main"), ("t", "more")].into_iter().enumerate()
    {
        let name = format!("p{number}");
        tree = tree
            .installed(&name, "1")
            .write(&format!("{prefix}{suite}_InRelease"), &release(suite))
            .write(&format!("{prefix}{suite}_{component}_binary-amd64_Packages"), &list(&name));
    }
    tree.check(4);
}

/// What dpkg has written to its journal and not yet merged, as dpkg-query reads it.
#[test]
fn a_journal_counts_as_it_does_for_dpkg() {
    let tree = Tree::new().installed("x", "1").status("y", "1", "install reinstreq half-installed", "amd64");
    let tree = tree.installed("z", "1").finish();
    let folder = tree.path().join("var/lib/dpkg");
    fs::create_dir_all(folder.join("updates")).unwrap();
    fs::create_dir_all(folder.join("info")).unwrap();
    for (number, stanza) in [
        package("x", "2", "install ok unpacked", "amd64"),
        package("new", "1", "install ok half-configured", "all"),
        package("z", "1", "deinstall ok config-files", "amd64"),
        package("x", "2", "hold ok installed", "amd64"),
    ]
    .iter()
    .enumerate()
    {
        fs::write(folder.join(format!("updates/{number:04}")), stanza).unwrap();
    }
    let output = Command::new("dpkg-query")
        .arg(format!("--admindir={}", folder.display()))
        .args(["-W", "-f", "${Package} ${Version} ${Architecture} ${db:Status-Want} ${db:Status-Status} ${db:Status-Eflag}\n"])
        .output()
        .unwrap();
    let theirs: BTreeSet<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    let database = Packages::of(&Host::at(tree.path()).unwrap()).database.unwrap();
    let ours: BTreeSet<String> = database
        .packages
        .iter()
        .map(|package| {
            let flag = if package.needs_reinstall { "reinstreq" } else { "ok" };
            let want = format!("{:?}", package.want).to_lowercase();
            let (name, version, architecture) = (&package.name, &package.version, &package.architecture);
            format!("{name} {version} {architecture} {want} {} {flag}", package.state.name())
        })
        .collect();
    assert_eq!(ours, theirs);
    assert_eq!(theirs.len(), 5, "{theirs:?}");
}

/// Cuts, zeros, and bytes turned anywhere: it comes to an end without a panic, and says that it is unsure, or what it could
/// still read.
#[test]
fn two_thousand_damages_each_of_status_and_list_stop_nothing() {
    let tree = Tree::new()
        .installed("x", "1")
        .status("y", "1:1-1", "hold ok installed", "amd64")
        .archive("a", STABLE, &["x 2 amd64 Source=o_(3)", "y 1:2 all Phased-Update-Percentage=50"])
        .finish();
    let host = Host::at(tree.path()).unwrap();
    let mut random = versions::Random(11);
    for file in ["var/lib/dpkg/status", "var/lib/apt/lists/a.example_r_dists_s_main_binary-amd64_Packages"] {
        let path = tree.path().join(file);
        let whole = fs::read(&path).unwrap();
        let mut unsure = 0;
        for _ in 0..2_000 {
            let mut bytes = whole.clone();
            let (from, length) = (random.below(bytes.len()), 1 + random.below(200));
            let to = bytes.len().min(from + length);
            match random.below(5) {
                0 => bytes.truncate(from),
                1 => bytes[from..to].fill(0),
                2 => drop(bytes.splice(from..to, std::iter::empty())),
                3 => bytes[from] = random.below(256).try_into().unwrap(),
                _ => {
                    let copied = bytes[from..to].to_vec();
                    bytes.splice(from..from, copied);
                }
            }
            fs::write(&path, &bytes).unwrap();
            let packages = Packages::of(&host);
            unsure += usize::from(packages.updates.is_ok_and(|updates| !updates.unsure.is_empty()));
            unsure += usize::from(packages.database.is_err());
        }
        assert!(unsure > 200, "{file}: only {unsure} of 2,000 were noticed");
        for bytes in [&whole[..whole.len() / 2], &vec![0; whole.len()][..]] {
            fs::write(&path, bytes).unwrap();
            let packages = Packages::of(&host);
            let is_sure = packages.updates.is_ok_and(|updates| updates.unsure.is_empty());
            assert!(!is_sure, "{file} with {} bytes", bytes.len());
        }
        fs::write(&path, &whole).unwrap();
    }
}
