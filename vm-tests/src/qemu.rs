//! The emulator's process: one fixed set of hardware, so that a machine saved by one can go on in another.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::agent::Agent;
use crate::image::Image;
use crate::network::{MAC, TAP};
use crate::qmp::Qmp;
use crate::shell::run;

/// How a machine begins.
#[derive(Debug, Clone, Copy)]
pub enum Begin<'a> {
    /// With its firmware.
    Boot,
    /// Where a saved machine stopped.
    Resume(&'a Path),
}

/// What differs between machines of the same hardware.
#[derive(Debug, Clone)]
pub struct Machine<'a> {
    pub image: &'a Image,
    /// An overlay over a root disk, in which its writes go.
    pub root: &'a Path,
    /// Of [`PAYLOAD`] bytes, read-only in the guest.
    pub payload: &'a Path,
    /// Of [`STATE`] bytes; a disk to break.
    pub state: &'a Path,
    /// As EC2 tells it by DMI.
    pub instance: &'a str,
    pub begin: Begin<'a>,
}

/// A process, which ends with the value and with the thread that started it.
#[derive(Debug)]
pub struct Qemu {
    child: Child,
    pub qmp: Qmp,
    agent_socket: PathBuf,
}

impl Qemu {
    /// `directory` gets its sockets, its console and its complaints; the calling thread's namespace has its cable.
    pub fn start(machine: &Machine<'_>, directory: &Path) -> Self {
        let [monitor, agent_socket] = ["monitor", "agent"].map(|name| directory.join(name));
        for socket in [&monitor, &agent_socket] {
            let _ = std::fs::remove_file(socket);
        }
        let complaints = directory.join("qemu.err");
        let errors =
            File::options().append(true).create(true).open(&complaints).expect("a file for complaints");
        let mut child = command(machine, directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .expect("QEMU (package qemu-system-x86)");
        match Qmp::connect(&monitor) {
            Ok(qmp) => Self { child, qmp, agent_socket },
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let why = std::fs::read_to_string(&complaints).unwrap_or_default();
                panic!("QEMU does not start: {error}\n{why}");
            }
        }
    }

    /// The guest's agent, once it answers.
    pub fn agent(&self, within: Duration) -> io::Result<Agent> {
        Agent::connect(&self.agent_socket, Instant::now() + within)
    }

    /// As when somebody pulls the plug: what the guest did not flush is gone.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until the guest has powered itself off.
    pub fn wait(mut self, within: Duration) {
        let until = Instant::now() + within;
        while self.child.try_wait().expect("a child of ours").is_none() {
            assert!(Instant::now() < until, "the guest is still on after {} s", within.as_secs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As it says it; a saved machine goes on in no other.
pub fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| run(Command::new("/usr/bin/qemu-system-x86_64").arg("--version")))
}

fn command(machine: &Machine<'_>, directory: &Path) -> Command {
    // Whoever starts us may be killed; no emulator is to stay behind.
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--pdeathsig", "KILL", "/usr/bin/qemu-system-x86_64"]);
    command.args(["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35"]);
    command.args(["-accel", &accelerator(), "-cpu", "max,la57=off,svm=off", "-smp", "2", "-m", MEMORY]);
    // A reboot inside the same process takes four times as long as one in a new process.
    command.arg("-no-reboot");
    dmi(&mut command, machine.instance);
    let in_directory = |name: &str| directory.join(name).display().to_string();
    command.args(["-chardev", &format!("file,id=console,path={},append=on", in_directory("console.log"))]);
    command.args(["-serial", "chardev:console"]);
    command.args(["-qmp", &format!("unix:{},server=on,wait=off", in_directory("monitor"))]);
    command.args(["-chardev", &format!("socket,id=agent,path={},server=on,wait=off", in_directory("agent"))]);
    disks(&mut command, machine);
    command.args(["-netdev", &format!("tap,id=cable,ifname={TAP},script=no,downscript=no")]);
    command.args(["-device", &format!("virtio-net-pci,netdev=cable,id=nic,mac={MAC}")]);
    command.args(["-device", "virtio-serial-pci", "-device"]);
    command.arg("virtserialport,chardev=agent,name=org.qemu.guest_agent.0");
    command.args(["-device", "virtio-rng-pci"]);
    command.arg("-kernel").arg(machine.image.kernel());
    command.arg("-initrd").arg(machine.image.initrd()).args(["-append", KERNEL_LINE]);
    if let Begin::Resume(state) = machine.begin {
        command.args(["-incoming", &format!("exec:cat '{}'", state.display())]);
    }
    command
}

/// KVM only by name: /dev/kvm may exist and answer where no guest comes up.
fn accelerator() -> String {
    match std::env::var("GUESTWARD_VM_ACCEL") {
        Ok(name) if name == "kvm" => name,
        _ => "tcg,thread=multi".to_owned(),
    }
}

/// What a Nitro instance says of itself.
fn dmi(command: &mut Command, instance: &str) {
    let uuid = "ec2a1b2c-3d4e-5f60-7182-93a4b5c6d7e8";
    for table in [
        "type=0,vendor=Amazon EC2,version=1.0".to_owned(),
        format!("type=1,manufacturer=Amazon EC2,product=t3.micro,serial={uuid},uuid={uuid}"),
        format!("type=2,manufacturer=Amazon EC2,asset={instance}"),
        "type=3,manufacturer=Amazon EC2,asset=Amazon EC2".to_owned(),
    ] {
        command.args(["-smbios", &table]);
    }
}

fn disks(command: &mut Command, machine: &Machine<'_>) {
    let node = |name: &str, options: &str| format!("{options},node-name={name}");
    let file = |path: &Path, more: &str| format!("driver=file,filename={}{more}", path.display());
    for node in [
        node("root-file", &file(machine.root, "")),
        node("root", "driver=qcow2,file=root-file"),
        node("payload-file", &file(machine.payload, ",read-only=on,auto-read-only=on")),
        node("payload", "driver=raw,file=payload-file,read-only=on"),
        node("state-file", &file(machine.state, "")),
        node("state", "driver=raw,file=state-file"),
    ] {
        command.args(["-blockdev", &node]);
    }
    for disk in ["root", "payload", "state"] {
        // A disk that fails is the guest's to deal with; QEMU would stop the machine.
        let options = format!("virtio-blk-pci,drive={disk},id={disk}-disk,werror=report,rerror=report");
        command.args(["-device", &options]);
    }
}

/// The quarter of a GiB less than the smallest instance has.
const MEMORY: &str = "768";
pub const PAYLOAD: u64 = 64 << 20;
pub const STATE: u64 = 256 << 20;

/// Mitigations and address randomisation cost an emulated guest seconds and protect nobody.
const KERNEL_LINE: &str = "root=/dev/vda rw console=ttyS0 panic=-1 quiet mitigations=off nokaslr \
                           net.ifnames=0 systemd.show_status=0 random.trust_cpu=on";
