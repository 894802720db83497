//! An image of a guest with guestward in it, and two instances of that image.

use vm_tests::{Guest, Suite, network};

use crate::ec2::{ACCOUNT, Ec2};

pub(crate) fn two_instances_of_an_image_are_two_agents(suite: Suite) {
    let builder = Ec2::installed(suite);
    builder.until_posture();
    let of_builder = builder.status()["sensor"]["agent"].clone();
    // What every builder of images does; nothing here is about guestward.
    builder.guest.sh("truncate -s 0 /etc/machine-id; rm -f /etc/ssh/ssh_host_*");
    builder.guest.power_off();
    let disk = builder.guest.root();
    let mut agents = vec![of_builder];
    for instance in ["i-0000000000000000a", "i-0000000000000000b"] {
        let agent = network::inside(instance, || {
            let guest = Guest::of_disk(suite, &disk, instance);
            guest.boot();
            let ec2 = Ec2::around(guest);
            ec2.metadata.instance(ACCOUNT, instance);
            ec2.deliver();
            // With the certificate of this network's metadata service.
            ec2.guest.sh("systemctl restart guestward guestward-ship");
            ec2.until_active();
            let posture = ec2.until_posture();
            assert_eq!(posture["instance"], instance);
            let records = ec2.records();
            let foreign: Vec<_> =
                records.iter().filter(|record| record["agent"] != posture["agent"]).collect();
            assert!(foreign.is_empty(), "of the image's builder: {foreign:?}");
            assert_eq!(ec2.guest.try_sh("guestward doctor").code, 0);
            ec2.status()["sensor"]["agent"].clone()
        });
        assert!(!agents.contains(&agent), "{agent} of {instance} is another's, too: {agents:?}");
        agents.push(agent);
    }
}
