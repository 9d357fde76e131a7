//! How peers find each other, and how they part.

use lanspread_tests::{Game, Lan, Party, Peer, skip};
use serde_json::json;

#[track_caller]
fn sees_join(peer: &Peer, other: &Peer) {
    let id = other.id();
    peer.wait(&format!("{} joins", other.name()), |event| event.is("peer-joined") && event["peer_id"] == id);
}

/// Awaits that `other` leaves and returns the reason.
#[track_caller]
fn sees_leave(peer: &Peer, id: &str) -> String {
    let left = peer.wait("it leaves", |event| event.is("peer-left") && event["peer_id"] == id);
    left.text("reason").to_owned()
}

#[test]
fn two_pcs_meet_by_mdns_alone() {
    let Some(lan) = Lan::new("two PCs meet by mDNS alone") else { return };
    let party = Party::new();
    let anna = party.peer("anna").on(&lan.host()).with_mdns().start();
    let ben = party.peer("ben").on(&lan.host()).with_mdns().start();
    sees_join(&anna, &ben);
    sees_join(&ben, &anna);
    let joined = anna.wait("ben by name", |event| event.is("peer-joined"));
    assert_eq!(joined["name"], "ben");
}

#[test]
fn two_pcs_that_refuse_unsolicited_packets_meet_through_a_third() {
    let Some(lan) = Lan::new("two PCs that refuse unsolicited packets meet through a third") else { return };
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let (host_anna, host_ben) = (lan.host().refusing_unsolicited(), lan.host().refusing_unsolicited());
    let host_common = lan.host();
    let common = party.peer("common").on(&host_common).start();
    let anna = party.seed("anna", &[&game]).on(&host_anna).knows(&common).start();
    let ben = party.peer("ben").on(&host_ben).knows(&common).start();

    ben.until_connected_to(&anna);
    ben.fetch(&game.id);
    assert!(anna.status("served_chunks") > 0, "only anna has the game");
    // They may have met by crossing packets before one was refused; that both do refuse is tried by a third.
    let stranger = lan.host();
    for host in [&host_anna, &host_ben] {
        let before = host.refused_packets();
        stranger.knock(host);
        assert!(host.refused_packets() > before, "it does not refuse: this story did not try what it tells");
    }
}

#[test]
fn one_typed_address_is_enough_for_everybody() {
    let party = Party::new();
    let first = party.peer("first").start();
    let guests: Vec<_> = (1..=4).map(|n| party.peer(&format!("guest-{n}")).knows(&first).start()).collect();
    for guest in &guests {
        guest.until_connected_to(&first);
        for other in guests.iter().filter(|other| other.name() != guest.name()) {
            guest.until_connected_to(other);
        }
    }
}

#[test]
fn connect_dials_an_address_typed_by_hand() {
    let party = Party::new();
    let anna = party.peer("anna").start();
    let ben = party.peer("ben").start();
    ben.ask(json!({ "cmd": "connect", "address": anna.address() }));
    sees_join(&ben, &anna);
    sees_join(&anna, &ben);
}

#[test]
fn an_address_without_a_port_means_the_usual_ports() {
    let Some(lan) = Lan::new("an address without a port means the usual ports") else { return };
    let party = Party::new();
    let shared_pc = lan.host();
    let first = party.peer("first").on(&shared_pc).start();
    let second = party.peer("second").on(&shared_pc).start();
    assert!(first.address().ends_with(":40420"), "{}", first.address());
    assert!(second.address().ends_with(":40421"), "the next free port: {}", second.address());

    let guest = party.peer("guest").on(&lan.host()).arg("--peer").arg(&shared_pc.address).start();
    guest.until_connected_to(&first);
    guest.until_connected_to(&second);
}

#[test]
fn a_peer_with_two_addresses_is_one_peer() {
    let Some(lan) = Lan::new("a peer with two addresses is one peer") else { return };
    let party = Party::new();
    let host = lan.host();
    host.run(&["ip", "address", "add", "10.77.0.201/24", "dev", "eth0"]);
    let anna = party.peer("anna").on(&host).start();
    let ben = party
        .peer("ben")
        .on(&lan.host())
        .arg("--peer")
        .arg(&host.address)
        .arg("--peer")
        .arg("10.77.0.201")
        .start();
    sees_join(&ben, &anna);
    ben.until("one connection", |ben| ben.status("connections") == 1 && ben.connected().len() == 1);
    assert_eq!(ben.count("peer-joined"), 1);
}

#[test]
fn two_peers_that_dial_each_other_at_once_keep_one_connection() {
    let Some(lan) = Lan::new("two peers that dial each other at once keep one connection") else { return };
    let party = Party::new();
    let (left, right) = (lan.host(), lan.host());
    let anna = party.peer("anna").on(&left).arg("--peer").arg(&right.address).start();
    let ben = party.peer("ben").on(&right).arg("--peer").arg(&left.address).start();
    for (peer, other) in [(&anna, &ben), (&ben, &anna)] {
        sees_join(peer, other);
        peer.until("one connection", |peer| peer.status("connections") == 1);
        assert_eq!(peer.count("peer-left"), 0, "a spare connection that goes is nobody leaving");
    }
}

#[test]
fn peers_meet_over_ipv6() {
    if std::net::UdpSocket::bind("[::1]:0").is_err() {
        skip("peers meet over IPv6", "this machine has no IPv6");
        return;
    }
    let party = Party::new();
    let game = party.publish(&Game::small("chess"));
    let anna = party.seed("anna", &[&game]).at("::1").start();
    let ben = party.peer("ben").at("::1").knows(&anna).start();
    ben.fetch(&game.id);
}

#[test]
fn a_peer_that_stops_says_goodbye() {
    let party = Party::new();
    let anna = party.peer("anna").start();
    let mut ben = party.peer("ben").knows(&anna).start();
    anna.until_connected_to(&ben);
    let id = ben.id();
    ben.stop();
    assert_eq!(sees_leave(&anna, &id), "goodbye");
}

#[test]
fn a_peer_that_is_killed_is_missed() {
    let party = Party::new();
    let anna = party.peer("anna").start();
    let mut ben = party.peer("ben").knows(&anna).start();
    anna.until_connected_to(&ben);
    let id = ben.id();
    ben.kill9();
    let reason = sees_leave(&anna, &id);
    assert!(["timeout", "error"].contains(&reason.as_str()), "killed, not {reason}");
    anna.until("nobody is here", |anna| anna.connected().is_empty());
}

#[test]
fn a_restarted_peer_is_the_same_peer_and_takes_its_place() {
    let party = Party::new();
    let anna = party.peer("anna").start();
    let mut ben = party.peer("ben").knows(&anna).start();
    anna.until_connected_to(&ben);
    let id = ben.id();
    ben.restart();
    assert_eq!(ben.id(), id, "the identity is kept in the games folder");
    ben.until_connected_to(&anna);
    anna.until("connected to the new ben only", |anna| {
        anna.status("connections") == 1 && anna.is_connected_to(&ben)
    });
}

#[test]
fn an_unplugged_cable_is_noticed_and_forgiven() {
    let Some(lan) = Lan::new("an unplugged cable is noticed and forgiven") else { return };
    let party = Party::new();
    let cable = lan.host();
    let anna = party.peer("anna").on(&lan.host()).start();
    let ben = party.peer("ben").on(&cable).knows(&anna).start();
    anna.until_connected_to(&ben);
    cable.set_plugged_in(false);
    assert_eq!(sees_leave(&anna, &ben.id()), "timeout");
    let mark = anna.mark();
    cable.set_plugged_in(true);
    let id = ben.id();
    anna.wait_after(mark, "ben is back", |event| event.is("peer-joined") && event["peer_id"] == id);
}

#[test]
fn a_copied_identity_is_given_up_on_both_sides() {
    let party = Party::new();
    let mut anna = party.peer("anna").start();
    let id = anna.id();
    anna.stop();
    let clone = party.peer("clone");
    copy_all(&anna.games().join(".lanspread"), &clone.games().join(".lanspread"));
    anna.restart();
    let clone = clone.knows(&anna).start();
    assert_eq!(clone.id(), id, "the same machine: the copy is not noticed until they meet");

    for peer in [&anna, &clone] {
        peer.wait("a word about the copied identity", |event| event.is("notice"));
        peer.until("a peer with a new id", |peer| {
            peer.connected().iter().any(|other| other["peer_id"] != id.as_str())
        });
    }
    assert_ne!(anna.connected()[0]["peer_id"], clone.connected()[0]["peer_id"]);
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    let copied = std::process::Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.is_ok_and(|status| status.success()));
}
