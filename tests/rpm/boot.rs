//! A restart that would bring the old kernel again, because the bootloader was told to start that one.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::binary::{guestward, text};
use crate::support::rpm::{Root, Rpm, VAR};

#[test]
fn a_restart_that_does_not_bring_the_new_kernel_is_told_with_what_does() {
    let root = Root::knowing(VAR, &[Rpm::new("kernel", "6.1.109", "118.189.amzn2023")]);
    root.change(&["-i", "--justdb"], &[Rpm::new("kernel", "6.1.115", "126.197.amzn2023")]);
    root.change(&["-i", "--justdb"], &[Rpm::new("kernel6.12", "6.12.9", "10.31.amzn2023")]);
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("proc/sys/kernel/osrelease", &format!("{OLD}\n"));
    write("etc/default/grub", "GRUB_TIMEOUT=0\nGRUB_DEFAULT=saved\nGRUB_ENABLE_BLSCFG=true\n");
    for release in [OLD, NEW, LINE] {
        let entry = format!(
            "title Amazon Linux ({release}) 2023\nversion {release}\nlinux /boot/vmlinuz-{release}\n"
        );
        write(&format!("boot/loader/entries/1f2e-{release}.conf"), &entry);
    }
    fs::create_dir_all(root.path().join("boot/grub2")).unwrap();
    let save = |entry: &str| {
        let mut command = Command::new("grub-editenv");
        command.arg(root.path().join("boot/grub2/grubenv")).args(["set", &format!("saved_entry={entry}")]);
        assert!(command.status().unwrap().success());
    };
    let plain = format!("the kernel {OLD} runs, and {NEW} is installed");
    assert_eq!(reason(&root), plain, "nothing is saved");

    save(&format!("1f2e-{NEW}"));
    assert_eq!(reason(&root), plain);

    save(&format!("1f2e-{OLD}"));
    let told = format!(
        "{plain}; a restart alone starts {OLD}, the bootloader's default by saved_entry: grubby --set-default /boot/vmlinuz-{NEW}"
    );
    assert_eq!(reason(&root), told);
    save(&format!("Amazon Linux ({OLD}) 2023"));
    assert_eq!(reason(&root), told, "by its title");

    save(&format!("1f2e-{LINE}"));
    let other = format!("{plain}; a restart alone starts {LINE}, the bootloader's default by saved_entry");
    assert_eq!(reason(&root), other, "another line is no old kernel");

    save("1f2e-what-is-no-more");
    assert_eq!(reason(&root), plain, "then GRUB starts the first");
    save(&format!("1f2e-{OLD}"));
    write("etc/default/grub", "GRUB_DEFAULT=0\n");
    assert_eq!(reason(&root), plain, "what is saved does not count");
}

fn reason(root: &Root) -> String {
    let output =
        guestward().args(["packages", "--format", "json", "--root"]).arg(root.path()).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
    assert_eq!(document["reboot"]["needed"], true, "{document}");
    assert_eq!(document["reboot"]["newest"], NEW);
    document["reboot"]["reason"].as_str().unwrap().to_owned()
}

const OLD: &str = "6.1.109-118.189.amzn2023.x86_64";
const NEW: &str = "6.1.115-126.197.amzn2023.x86_64";
const LINE: &str = "6.12.9-10.31.amzn2023.x86_64";
