//! What hosts do with requests: they answer from their disks, over a network that loses and mangles.
//! Invariant: every request that reaches a host is answered, discarded or lost.
//! Byte order: none.

use peerdist::retrieval::server::{self, BlockForm, Connection};
use peerdist::store::BlockStore;

use crate::broken::{Broken, ensure};
use crate::node::Caller;
use crate::world::{Happening, World};

impl World {
    pub(crate) fn serve(
        &mut self,
        number: usize,
        caller: Caller,
        bytes: &[u8],
    ) -> Result<(), Broken> {
        self.counter += 1;
        let connection = Connection(self.counter);
        let node = &mut self.nodes[number];
        node.connections.insert(connection.0, caller);
        let holdings = &node.store;
        let message = server::Input::Message {
            connection,
            bytes,
            holdings,
        };
        node.server.handle(self.now, message)?;
        self.drain_server(number).map(|_| ())
    }

    pub(crate) fn server(
        &mut self,
        number: usize,
        input: server::Input<'_>,
    ) -> Result<u32, Broken> {
        let now = self.now;
        let server = &mut self.nodes[number].server;
        server.handle(now, input)?;
        self.drain_server(number)
    }

    fn drain_server(&mut self, number: usize) -> Result<u32, Broken> {
        let now = self.now;
        let mut drained = 0;
        while let Some(output) = self.nodes[number].server.poll_output() {
            drained += 1;
            ensure!(drained < 100_000, "draining does not end");
            let node = &mut self.nodes[number];
            match output {
                server::Output::Encrypt(op) => {
                    node.encrypting.insert(op.exchange, op);
                    self.plan_soon(number, Happening::Ready(op.exchange));
                }
                server::Output::Load(op) => {
                    node.loading.insert(op.exchange, op);
                    self.plan_soon(number, Happening::Ready(op.exchange));
                }
                server::Output::Respond {
                    connection,
                    exchange,
                    answer,
                } => {
                    let mut bytes = Vec::new();
                    answer.encode_head_into(&mut bytes);
                    let payload = exchange.and_then(|exchange| node.payloads.remove(&exchange));
                    bytes.extend(payload.unwrap_or_default());
                    answer.encode_tail_into(&mut bytes);
                    self.respond(number, connection, bytes);
                    if let Some(exchange) = exchange {
                        let sent = server::Input::Sent { exchange };
                        let node = &mut self.nodes[number];
                        node.server.handle(now, sent)?;
                    }
                }
                server::Output::Discard { connection }
                | server::Output::Abort { connection, .. } => {
                    if let Some(caller) = node.connections.remove(&connection.0) {
                        self.plan_failure(caller);
                    }
                }
                server::Output::Event(_) => {}
            }
        }
        Ok(drained)
    }

    fn plan_failure(&mut self, caller: Caller) {
        if caller.life == self.nodes[caller.node].life {
            self.plan_soon(
                caller.node,
                Happening::Failed(caller.asker, caller.exchange),
            );
        }
    }

    fn respond(&mut self, number: usize, connection: Connection, bytes: Vec<u8>) {
        let caller = self.nodes[number].connections.remove(&connection.0);
        let Some(caller) = caller.filter(|it| it.life == self.nodes[it.node].life) else {
            return;
        };
        for (after, bytes) in self.faults.carry(self.now, &bytes) {
            let response = Happening::Response(caller.asker, caller.exchange, bytes);
            self.plan(caller.node, after, response);
        }
    }

    /// The disk was read; the block is encrypted where it is to be.
    pub(crate) fn ready(
        &mut self,
        number: usize,
        exchange: server::Exchange,
    ) -> Result<(), Broken> {
        let is_gone = self.faults.block_is_gone(self.now);
        let node = &mut self.nodes[number];
        let (encrypt, load) = (
            node.encrypting.remove(&exchange),
            node.loading.remove(&exchange),
        );
        let source = encrypt.map(|op| op.source).or(load.map(|op| op.source));
        let Some(source) = source else {
            return Ok(());
        };
        let segment = self.scene.segment_at(&node.store, source.segment);
        // What was there when the request came may have gone since, or be there in another form.
        let stored = match segment {
            Some(segment) => {
                let id = self.scene.segments[segment].id;
                node.store.read(self.now, &id, source.index)?
            }
            None => None,
        };
        let mut stored = stored.map(|stored| (stored.form, stored.bytes.to_vec()));
        if let Some((_, bytes)) = &mut stored {
            self.faults.rot(self.now, bytes);
        }
        let payload = segment.zip(stored);
        let payload = payload.and_then(|(segment, (form, bytes))| match encrypt {
            Some(op) => {
                (form == BlockForm::Plain).then(|| self.scene.encrypt(segment, &op, &bytes))
            }
            None => (load?.length as usize == bytes.len()).then_some(bytes),
        });
        match payload.filter(|_| !is_gone) {
            None => {
                self.server(number, server::Input::Lost { exchange })?;
            }
            Some(payload) => {
                self.nodes[number].payloads.insert(exchange, payload);
                self.server(number, server::Input::Ready { exchange })?;
                // The exchange may have been over.
                self.nodes[number].payloads.remove(&exchange);
            }
        }
        Ok(())
    }
}
