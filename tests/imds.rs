//! x
use crate::support::metadata_service::{MetadataService, Options};
use crate::support::namespace;
#[test]
fn dbg() {
    namespace::inside(|| {
        let t = std::time::Instant::now();
        let s = MetadataService::beside_us(Options::parse("ipv6=on"));
        println!("up {:?}", t.elapsed());
        let out = |l: &str| { let o = std::process::Command::new("sh").args(["-c", l]).output().unwrap(); println!("{l}: {}{}", String::from_utf8_lossy(&o.stdout), String::from_utf8_lossy(&o.stderr)); };
        out("ip -6 addr; ip -6 route; ip -6 route get fd00:ec2::254; ip -6 neigh");
        out("curl -sS -m 2 -w '%{http_code} %{time_total}\n' http://169.254.169.254/latest/meta-data/instance-id");
        out("curl -sS -m 2 -w '%{http_code} %{time_total}\n' 'http://[fd00:ec2::254]/latest/meta-data/instance-id'");
        let _ = s.asked();
        let t = std::time::Instant::now();
        drop(s);
        println!("drop {:?}", t.elapsed());
    });
}
