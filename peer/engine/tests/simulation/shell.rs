//! Carries out effects: the part of the shell that is not the network.

use std::sync::Arc;
use std::time::Duration;

use lanspread_engine::{
    DiskFailure, Effect, FailureKind, Input, Kept, Payload, ServeFrom, UpdateSize, VerifyOutcome,
};
use lanspread_protocol::message::WantedUnit;
use lanspread_protocol::{CatalogHead, SignedCatalog};

use crate::net::What;
use crate::net::races::Blob;
use crate::node::{NodeId, Stored};
use crate::world::{Happening, World};

impl Stored {
    /// It announced this catalog without having it.
    pub(crate) fn lies_about(&self, head: &CatalogHead) -> bool {
        self.forged.as_ref() == Some(head)
    }
}

impl World {
    pub(crate) fn carry_out(&mut self, id: NodeId, effect: Effect) {
        match effect {
            Effect::Dial { dial, address, expect } => self.dial(id, dial, address, expect),
            Effect::Send { conn, message } => self.send(id, conn, message),
            Effect::Close { conn, code } => self.close(id, conn, code),
            Effect::Ban { address } => {
                self.nodes[id.0].banned.insert(address);
            }
            Effect::RenewIdentity => self.renew(id),
            Effect::FetchUnits { fetch, op, conn, game, units } => {
                let store = self.nodes[id.0].disk.folder(&game).store.as_ref().expect("an open store");
                let manifest = store.manifest.id();
                self.request(id, conn, What::Units { fetch, op, game, manifest }, units);
            }
            Effect::CancelFetch { fetch } => self.cancel_fetch(id, fetch),
            Effect::FetchManifest { race, op, from, manifest } => {
                self.start_race(id, race, from, Blob::Manifest { op, manifest });
            }
            Effect::FetchCatalog { race, from, head } => {
                self.start_race(id, race, from, Blob::Catalog(head));
            }
            Effect::WidenRace { race, from } => self.widen_race(id, race, from),
            Effect::CancelRace { race } => self.cancel_race(id, race),
            Effect::LookForCovers { covers } => {
                let here = &self.nodes[id.0].stored.covers;
                let missing = covers.into_iter().filter(|cover| !here.contains(cover)).collect();
                self.soon(id, Input::CoversMissing(missing));
            }
            Effect::FetchCover { race, from, cover } => self.start_race(id, race, from, Blob::Cover(cover)),
            Effect::Serve { serve, from } => self.serve(id, serve, from),
            Effect::ServeBlob { serve, .. } => self.serve_blob(id, serve),
            Effect::Refuse { serve, .. } => self.refuse(id, serve),
            Effect::CancelServe { serve } => self.cancel_serve(id, serve),
            Effect::StoreCatalog(signed) => self.nodes[id.0].stored.signed = Some((*signed).clone()),
            Effect::StorePin(key) => self.nodes[id.0].stored.pinned = Some(key),
            Effect::StoreAccepted { game, version, manifest } => {
                self.nodes[id.0].stored.accepted.insert(game, (version, manifest));
            }
            Effect::StoreQueue(queue) => self.nodes[id.0].stored.queue = queue,
            Effect::SetLimits { upload, download } => {
                let running = self.nodes[id.0].run();
                (running.upload_limit, running.download_limit) = (upload, download);
            }
            Effect::SetBackground(background) => self.nodes[id.0].run().background = Some(background),
            Effect::CancelWork { op } => {
                self.nodes[id.0].run().cancelled.insert(op);
            }
            Effect::Emit(_) => {}
            Effect::Reply { reply, result } => {
                self.nodes[id.0].run().replies.insert(reply, result);
            }
            disk => {
                let after = self.disk_time(id, &disk);
                let generation = self.nodes[id.0].generation;
                self.at(after, Happening::Disk(id, generation, Box::new(disk)));
            }
        }
    }

    /// How long disk work takes.
    fn disk_time(&mut self, id: NodeId, effect: &Effect) -> Duration {
        let moment = self.moment();
        let disk = &mut self.nodes[id.0].disk;
        match effect {
            Effect::Hash { game, .. } | Effect::Verify { game, .. } => {
                let complete = disk.folder(game).complete.as_ref();
                let bytes = complete.map_or(0, |complete| complete.manifest.total_bytes());
                moment + Duration::from_micros(bytes / 1000)
            }
            Effect::Finish { .. } => moment + Duration::from_millis(20),
            Effect::Install { .. } => moment + Duration::from_millis(200),
            _ => moment,
        }
    }

    /// The work is done: changes the disk and says what came out.
    pub(crate) fn disk_work(&mut self, id: NodeId, effect: Effect) -> Vec<Input> {
        let node = &mut self.nodes[id.0];
        if let Effect::Verify { op, .. } | Effect::Install { op, .. } | Effect::Publish { op, .. } = &effect
            && node.run().cancelled.remove(op)
        {
            node.run().writing.retain(|_, writer| writer != op);
            return cancelled(&effect);
        }
        let disk = &mut node.disk;
        match effect {
            Effect::ListGames => {
                let there = disk.games.iter().filter(|(_, folder)| folder.scan().is_some());
                vec![Input::GamesListed(there.map(|(game, _)| game.clone()).collect())]
            }
            Effect::Scan { game, .. } => {
                let found = disk.games.get(&game).and_then(crate::disk::Folder::scan);
                vec![Input::Scanned { game, found }]
            }
            Effect::Hash { game, fingerprint, .. } => {
                let folder = disk.folder(&game);
                let is_same = folder.fingerprint == fingerprint;
                let manifest = if is_same { folder.hash() } else { None };
                vec![Input::Hashed { game, fingerprint, manifest }]
            }
            Effect::LoadManifest { op, manifest } => {
                vec![Input::ManifestLoaded { op, manifest: disk.manifests.get(&manifest).map(Arc::clone) }]
            }
            Effect::MeasureUpdate { game, old, new, from } => {
                let run = node.run();
                let ends = from.iter().filter_map(|conn| run.conns.get(conn)).copied().collect::<Vec<_>>();
                let holders = ends.into_iter().map(|(link, side)| self.links[link].ends[1 - side].node.0);
                let get = |id, at: usize| self.nodes[at].disk.manifests.get(id);
                let after = get(&new, id.0).or_else(|| holders.into_iter().find_map(|at| get(&new, at)));
                let size =
                    get(&old, id.0).zip(after).map(|(before, after)| UpdateSize::between(before, after));
                size.map(|size| Input::UpdateMeasured { game, size }).into_iter().collect()
            }
            Effect::OpenStore { op, game, manifest, .. } => {
                if node.run().closed_ops.contains(&op) {
                    return Vec::new();
                }
                let result = if node.full_disks.contains(&game) {
                    Err(failure(FailureKind::NoSpace))
                } else {
                    Ok(node.disk.folder(&game).open(op, &manifest))
                };
                vec![Input::StoreOpened { op, result }]
            }
            Effect::Finish { op, game, version, .. } => {
                let scan = disk.folder(&game).commit(op, &version);
                node.run().writing.remove(&game);
                vec![Input::Finished { op, result: Ok(scan) }]
            }
            Effect::CloseStore { op, game, discard } => {
                disk.folder(&game).close(op, discard);
                node.run().closed_ops.insert(op);
                vec![Input::StoreClosed { op }]
            }
            Effect::Verify { op, game, .. } => {
                let is_liar = node.lies.contains(&game);
                let folder = node.disk.folder(&game);
                let is_rotten =
                    !is_liar && folder.complete.as_ref().is_some_and(|complete| complete.is_rotten);
                let damaged = if is_rotten { vec!["data/000000".to_owned()] } else { Vec::new() };
                if is_rotten {
                    folder.indexed = Some((folder.fingerprint, Payload::Damaged));
                }
                vec![Input::Verified { op, result: Ok(VerifyOutcome { damaged_bytes: 1, damaged }) }]
            }
            Effect::SwitchGamesFolder { reply } => {
                vec![Input::GamesFolderSwitched { reply, result: Ok(None) }]
            }
            change => self.change_disk(id, change),
        }
    }

    /// What writers do.
    fn change_disk(&mut self, id: NodeId, effect: Effect) -> Vec<Input> {
        let node = &mut self.nodes[id.0];
        let disk = &mut node.disk;
        match effect {
            Effect::Install { op, game, .. } => {
                disk.folder(&game).install();
                node.run().writing.remove(&game);
                vec![Input::Installed { op, result: Ok(None) }]
            }
            Effect::Uninstall { op, game, .. } => {
                disk.folder(&game).uninstall();
                node.run().writing.remove(&game);
                let kept = Kept { folder: ".lanspread/kept/1".to_owned(), paths: vec!["save".to_owned()] };
                vec![Input::Uninstalled { op, result: Ok(Some(kept)) }]
            }
            Effect::Start { run, .. } => {
                node.run().started.push(run);
                vec![Input::Started { run, result: Ok(4711) }]
            }
            Effect::Remove { op, game, local, .. } => {
                let folder = disk.folder(&game);
                folder.remove();
                if local.is_some() {
                    folder.uninstall();
                }
                node.run().writing.remove(&game);
                vec![Input::Removed { op, result: Ok(None) }]
            }
            Effect::Publish { op, game } => {
                node.run().writing.remove(&game);
                let Some((release, given)) = node.publishing.remove(&game) else {
                    return vec![Input::Published { op, result: Err(failure(FailureKind::Io)) }];
                };
                node.disk.put(&release);
                node.stored.given.clone_from(&given);
                let folder = node.disk.folder(&release.game);
                folder.hash();
                let scan = folder.scan().expect("it was just published");
                let given = given.map(Input::CatalogGiven);
                given.into_iter().chain([Input::Published { op, result: Ok(scan) }]).collect()
            }
            other => panic!("not disk work: {other:?}"),
        }
    }

    /// The bytes of a unit that is about to be sent, and whether they are wrong. `None`: it is not there any more.
    pub(crate) fn content(
        &mut self,
        node: NodeId,
        from: &ServeFrom,
        unit: &WantedUnit,
    ) -> Option<(u64, bool)> {
        let node = &mut self.nodes[node.0];
        let (ServeFrom::Payload { game, .. } | ServeFrom::Store { game, .. }) = from;
        let is_lie = node.lies.contains(game);
        let folder = node.disk.games.get(game)?;
        let (manifest, is_rotten) = match (from, &folder.complete, &folder.store) {
            (ServeFrom::Payload { manifest, .. }, Some(complete), _)
                if complete.manifest.id() == *manifest =>
            {
                (&complete.manifest, complete.is_rotten)
            }
            (ServeFrom::Payload { .. }, _, _) => return None,
            (ServeFrom::Store { op, .. }, _, Some(store)) if store.op == *op => (&store.manifest, false),
            // The download became the payload meanwhile.
            (ServeFrom::Store { .. }, Some(complete), _) => (&complete.manifest, complete.is_rotten),
            (ServeFrom::Store { .. }, None, _) => return None,
        };
        let chunks = manifest.units().get(unit.unit.as_usize())?.chunks.clone();
        let wanted = chunks.enumerate().filter(|(nth, _)| unit.wants(*nth));
        let bytes = wanted.map(|(_, index)| u64::from(manifest.chunks()[index as usize].bytes)).sum();
        Some((bytes, is_lie || (is_rotten && unit.unit.0 % 3 == 1)))
    }

    pub(crate) fn catalog_of(&self, node: NodeId, head: &CatalogHead) -> Option<SignedCatalog> {
        let stored = &self.nodes[node.0].stored;
        let given = match &stored.given {
            Some(lanspread_engine::GivenCatalog::Signed(given)) => Some(&**given),
            _ => None,
        };
        stored.signed.iter().chain(given).find(|signed| signed.head == *head).cloned()
    }
}

/// What comes of work that was told to end in time.
fn cancelled(effect: &Effect) -> Vec<Input> {
    let result = failure(FailureKind::Cancelled);
    vec![match effect {
        Effect::Install { op, .. } => Input::Installed { op: *op, result: Err(result) },
        Effect::Publish { op, .. } => Input::Published { op: *op, result: Err(result) },
        Effect::Verify { op, .. } => Input::Verified { op: *op, result: Err(result) },
        other => panic!("no work that can be cancelled: {other:?}"),
    }]
}

fn failure(kind: FailureKind) -> DiskFailure {
    DiskFailure { kind, message: "simulated".to_owned() }
}
