//! How fast it is, on whatever machine this runs.

use std::process::Command;

use super::super::*;

#[test]
#[ignore = "it measures, and says nothing about right or wrong"]
fn setting_up_and_keeping_up() {
    for folder in ["/dev/shm", "/tmp"] {
        let began = Instant::now();
        let mut scene = Scene::new(tempfile::tempdir_in(folder).unwrap(), Vec::new(), Vec::new());
        println!("{folder}: set up in {:?}", began.elapsed());
        scene.watch.kernel.own = std::process::id();
        for wanted in ["elsewhere", "wanted"] {
            fs::create_dir(scene.path(wanted)).unwrap();
            measure(&mut scene, wanted);
        }
    }
}

/// Ten thousand a second, by another process.
fn measure(scene: &mut Scene, name: &str) {
    const SCRIPT: &str = "import os,sys,time\n\
        d=sys.argv[1]; n=100000; t=time.time()\n\
        for i in range(n):\n\
        \x20 f=os.open(f'{d}/{i}',os.O_CREAT|os.O_WRONLY); os.write(f,b'x'); os.close(f)\n\
        \x20 w=t+i/10000-time.time()\n\
        \x20 if w>0.002: time.sleep(w)\n\
        print(time.time()-t)\n\
        open(sys.argv[2],'w').close()\n";
    let end = scene.path(&format!("end-{name}"));
    let mut child =
        Command::new("python3").args(["-c", SCRIPT]).arg(scene.path(name)).arg(&end).spawn().unwrap();
    let cpu = || {
        use nix::sys::resource::{UsageWho, getrusage};
        let used = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
        let millis = |time: nix::sys::time::TimeVal| time.tv_sec() * 1000 + time.tv_usec() / 1000;
        (millis(used.user_time()), millis(used.system_time()))
    };
    let ending = end.as_os_str().as_bytes();
    let (before, mut files, mut lost, mut is_over) = (cpu(), 0_u64, Vec::new(), false);
    let mut latest = Duration::ZERO;
    while !is_over {
        let held = scene.held.clone();
        scene.watch.turn(Duration::from_secs(1), &mut |noticed| {
            match noticed {
                Noticed::Touched(list) => {
                    held.release(list.iter().map(|touched| &touched.path[..]));
                    let age = Timestamp::now().duration_since(list[0].first);
                    latest = latest.max(Duration::try_from(age).unwrap_or_default());
                    files += list.iter().filter(|touched| touched.path != *ending).count() as u64;
                    is_over |= list
                        .iter()
                        .any(|touched| touched.path == *ending && touched.how.contains(How::WRITTEN));
                }
                Noticed::Lost(what) => lost.push(what.why),
                _ => {}
            }
            Ok(())
        });
    }
    child.wait().unwrap();
    let after = cpu();
    println!(
        "  {name}: {files} paths told, {} ms user, {} ms system, oldest {latest:?}, lost {lost:?}",
        after.0 - before.0,
        after.1 - before.1
    );
    fs::remove_file(end).unwrap();
}
