//! What Vagrant 2.3.4 printed, with names, addresses and paths of our own, and what is made of it.

use super::*;
use crate::hosts::HostSpec;
use crate::hosts::settings::{Settings, UnknownKey};
use std::path::PathBuf;

const THREE: &str = include_str!("../said/three.txt");
const FORWARD: &str = include_str!("../said/forward.txt");
const PROXY: &str = include_str!("../said/proxy.txt");
const KEYS: &str = include_str!("../said/keys.txt");
const SPACE: &str = include_str!("../said/space.txt");
const INCLUDE: &str = include_str!("../said/include.txt");
const ALIAS: &str = include_str!("../said/alias.txt");
const ZONE: &str = include_str!("../said/zone.txt");
const FORWARDED: &str = include_str!("../said/forwarded.txt");

#[test]
fn machines_are_read() {
    for (text, expected) in [
        (THREE, &[("db1", "192.168.121.41"), ("db2", "192.168.121.42"), ("db3", "192.168.121.43")][..]),
        (FORWARD, &[("db1", "192.168.121.41")]),
        (PROXY, &[("db1", "192.168.121.41")]),
        (KEYS, &[("db1", "192.168.121.41")]),
        (SPACE, &[("db1", "192.168.121.41")]),
        (INCLUDE, &[("db1", "192.0.2.21")]),
        (ALIAS, &[("storm.alias", "192.168.121.41")]),
        (ZONE, &[("db1", "fe80::7%eth1")]),
        (FORWARDED, &[("db1", "127.0.0.1"), ("db2", "127.0.0.1")]),
    ] {
        let read = read(text).unwrap();
        let read: Vec<_> = read.iter().map(|machine| (machine.name.as_str(), machine.host_name.as_str())).collect();
        assert_eq!(read, expected);
    }
    let forwarded = |text| read(text).unwrap().iter().any(Machine::is_forwarded);
    assert!(forwarded(FORWARDED) && !forwarded(THREE) && !forwarded(ZONE));
}

#[test]
fn how_to_log_in_is_read_by_ssh_from_the_same_text() {
    let key = |name: &str| PathBuf::from(format!("/srv/storm/.vagrant/machines/{name}/libvirt/private_key"));
    for (text, machine, place, keys, unknown_key) in [
        (THREE, "db2", "vagrant@192.168.121.42:22", vec![key("db2")], UnknownKey::Ignore),
        (FORWARD, "db1", "vagrant@192.168.121.41:22", vec![key("db1")], UnknownKey::Ignore),
        (
            KEYS,
            "db1",
            "root@192.168.121.41:22",
            vec!["/srv/keys/first".into(), "/srv/my keys/second".into()],
            UnknownKey::Ignore,
        ),
        (
            SPACE,
            "db1",
            "vagrant@192.168.121.41:22",
            vec!["/srv/two words/.vagrant/machines/db1/libvirt/private_key".into()],
            UnknownKey::Ignore,
        ),
        (INCLUDE, "db1", "vagrant@192.0.2.21:2201", vec![key("db1")], UnknownKey::Ignore),
        (ALIAS, "storm.alias", "vagrant@192.168.121.41:22", vec![key("storm.alias")], UnknownKey::Ignore),
        (ZONE, "db1", "vagrant@fe80::7%eth1:22", vec![key("db1")], UnknownKey::Ignore),
    ] {
        let settings = settings(text, machine).unwrap();
        assert_eq!(settings.place(), place);
        assert_eq!(settings.identities, keys, "{machine} at {place}");
        assert_eq!((settings.unknown_key, settings.agent), (unknown_key, false), "{machine} at {place}");
    }
    let error = settings(PROXY, "db1").unwrap_err();
    assert!(error.contains("proxycommand nc -X connect"), "{error}");
}

/// What ssh makes of a text for one of its machines.
fn settings(text: &str, machine: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("with a space");
    std::fs::write(&config, for_ssh(text)).unwrap();
    let spec: HostSpec = machine.parse().unwrap();
    Settings::of(&HostSpec { config: Some(config), ..spec })
}

#[test]
fn a_text_that_is_not_whole_is_refused() {
    for (text, part) in [
        ("", "tells of no machine"),
        ("\n\n", "tells of no machine"),
        ("Host db1\n  User vagrant\n", "no HostName of db1; `vagrant reload db1`"),
        ("  HostName 192.0.2.1\n", "line 1 of what `vagrant ssh-config` printed: it belongs to no Host"),
        ("Host db1\n  HostName\n", "line 2 of what `vagrant ssh-config` printed: a word alone"),
        ("Host -oProxyCommand=x\n  HostName a\n", "line 1"),
        ("Host db*\n  HostName a\n", "no name of a machine"),
        ("Host db1\n  HostName a\n\nHost db1\n  HostName b\n", "line 4"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(part), "{text:?}: {error}");
    }
}

#[test]
fn who_is_not_up_is_named_with_what_to_do() {
    const NOT_READY: &str =
        "The provider for this Vagrant-managed machine is reporting that it\nis not yet ready for SSH.";
    const NO_FOLDER: &str =
        "A Vagrant environment or target machine is required to run this\ncommand. Run `vagrant init`.";
    let status = "1796119200,db1,metadata,provider,libvirt\n1796119200,db1,provider-name,libvirt\n\
                  1796119200,db1,state,running\n1796119200,db1,state-human-short,running\n\
                  1796119201,db2,state,not_created\n1796119201,db2,state-human-long,The domain is not created. Run it.\n\
                  1796119201,db3,state,shutoff\n1796119201,,ui,info,Current machine states:\\n\\ndb1%!(VAGRANT_COMMA) db2\n";
    let up = "1796119200,db1,state,running\n";
    for (status, said, expected) in [
        (
            status,
            NOT_READY,
            "not all machines of Vagrant in storm are up: db2 is not created, db3 is shutoff; vagrant up db2 db3",
        ),
        (
            "",
            NO_FOLDER,
            "no machines of Vagrant in storm: A Vagrant environment or target machine is required to run this command. Run \
             `vagrant init`. Call squall where the Vagrantfile is, or write --vagrant FOLDER.",
        ),
        (
            up,
            "The machine with the name 'x' was not found.",
            "`vagrant ssh-config` failed in storm, where db1 run: The machine with the name 'x' was not found.",
        ),
    ] {
        assert_eq!(refusal("storm", &states(status), said), expected);
    }
}

#[test]
fn machines_behind_ports_meet_on_the_network_that_all_share() {
    let at = |addresses: &[&str]| -> Vec<Interface> {
        let lines =
            addresses.iter().map(|address| format!("2: eth0    inet {address} brd 10.0.0.1 scope global eth0\n"));
        interfaces(&lines.collect::<String>())
    };
    for (machines, expected) in [
        (
            vec![at(&["10.0.2.15/24", "192.168.56.11/24"]), at(&["10.0.2.15/24", "192.168.56.12/24"])],
            Some(["192.168.56.11", "192.168.56.12"]),
        ),
        (vec![at(&["10.0.2.15/24"]), at(&["10.0.2.15/24"])], None),
        (vec![at(&["10.0.2.15/24", "192.168.56.11/24"]), at(&["10.0.2.15/24", "192.168.57.12/24"])], None),
        (vec![at(&[]), at(&["192.168.56.12/24"])], None),
    ] {
        let expected =
            expected.map(|all| all.iter().map(|address| address.parse().unwrap()).collect::<Vec<Ipv4Addr>>());
        assert_eq!(shared(&machines), expected);
    }
}
