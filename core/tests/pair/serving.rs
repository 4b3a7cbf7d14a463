//! What hosts do with requests: they answer from their disks, over a network that loses and mangles.
//! Invariant: every request that reaches a host is answered, discarded or lost.
//! Byte order: none.

use peerdist::retrieval::block_key;
use peerdist::retrieval::server::{self, Connection};

use super::{Happening, World};
use crate::broken::{Broken, ensure};
use crate::node::Caller;

impl World {
    pub(super) fn serve(
        &mut self,
        number: usize,
        caller: Caller,
        bytes: &[u8],
    ) -> Result<(), Broken> {
        self.counter += 1;
        let connection = Connection(self.counter);
        let node = &mut self.nodes[number];
        node.connections.insert(connection.0, caller);
        let holdings = &node.disk;
        let message = server::Input::Message {
            connection,
            bytes,
            holdings,
        };
        node.server.handle(self.now, message)?;
        self.drain_server(number)
    }

    pub(super) fn server(&mut self, number: usize, input: server::Input<'_>) -> Result<(), Broken> {
        let now = self.now;
        let server = &mut self.nodes[number].server;
        server.handle(now, input)?;
        self.drain_server(number)
    }

    fn drain_server(&mut self, number: usize) -> Result<(), Broken> {
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
        Ok(())
    }

    fn plan_failure(&mut self, caller: Caller) {
        if caller.life == self.nodes[caller.node].life {
            self.plan_soon(caller.node, Happening::Failed(caller.exchange));
        }
    }

    fn respond(&mut self, number: usize, connection: Connection, bytes: Vec<u8>) {
        let caller = self.nodes[number].connections.remove(&connection.0);
        let Some(caller) = caller.filter(|it| it.life == self.nodes[it.node].life) else {
            return;
        };
        for _ in 0..=u32::from(self.faults.doubles(self.now)) {
            let mut bytes = bytes.clone();
            self.faults.mangle(self.now, &mut bytes);
            if !self.faults.loses(self.now) {
                let response = Happening::Response(caller.exchange, bytes);
                self.plan_soon(caller.node, response);
            }
        }
    }

    /// The disk was read; the block is encrypted where it is to be.
    pub(super) fn ready(
        &mut self,
        number: usize,
        exchange: server::Exchange,
    ) -> Result<(), Broken> {
        let is_gone = self.faults.block_is_gone(self.now);
        let node = &mut self.nodes[number];
        let payload = if let Some(op) = node.encrypting.remove(&exchange) {
            let segment = usize::try_from(op.source.segment.0).unwrap();
            let mut buffer = vec![0; op.payload_len()];
            let plain = node.disk.read(segment, op.source.index).unwrap();
            buffer[..plain.len()].copy_from_slice(plain);
            let key = block_key(op.cipher, &self.scene.secrets[segment]).unwrap();
            let job = op.job(&key, &mut buffer).unwrap();
            peerdist::cipher::encrypt_many(&mut [job]);
            buffer
        } else if let Some(op) = node.loading.remove(&exchange) {
            let segment = usize::try_from(op.source.segment.0).unwrap();
            node.disk.read(segment, op.source.index).unwrap().clone()
        } else {
            return Ok(());
        };
        if is_gone {
            self.server(number, server::Input::Lost { exchange })?;
        } else {
            node.payloads.insert(exchange, payload);
            self.server(number, server::Input::Ready { exchange })?;
            // The exchange may have been over.
            self.nodes[number].payloads.remove(&exchange);
        }
        Ok(())
    }
}
