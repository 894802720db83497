//! The suite.
fn main() {
  vm_tests::network::inside(|| {
    let began = std::time::Instant::now();
    let guest = vm_tests::Guest::running(vm_tests::Suite::Bookworm);
    eprintln!("{:?}", began.elapsed());
    eprintln!("{}", guest.sh("uname -a; systemctl is-system-running; date; cat /sys/class/dmi/id/board_asset_tag; ip a; ip r; free -m; df -h /; lsblk"));
    eprintln!("{:?}", began.elapsed());
  });
}
