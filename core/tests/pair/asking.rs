//! Questions of the retrieval protocol on their way to other hosts, and what comes back.
//! Invariant: a request waits for one response, until its machine takes it back.
//! Byte order: none.

use peerdist::client::Input;
use peerdist::retrieval::client::{Exchange, Peer, Query};

use crate::broken::Broken;
use crate::node::{Asker, Caller};
use crate::world::{Happening, World};

impl World {
    pub(crate) fn ask(
        &mut self,
        number: usize,
        asker: Asker,
        exchange: Exchange,
        peer: Peer,
        query: &Query,
    ) {
        let node = &mut self.nodes[number];
        node.waiting.insert((asker, exchange), self.now);
        let caller = Caller {
            node: number,
            life: node.life,
            asker,
            exchange,
        };
        let server = usize::try_from(peer.0).unwrap();
        let mut bytes = Vec::new();
        query.encode_into(&mut bytes);
        let arriving = self.faults.carry(self.now, &bytes);
        let is_anybody = server < self.nodes.len();
        if !is_anybody || arriving.is_empty() && self.faults.chance(500) {
            self.plan_soon(number, Happening::Failed(asker, exchange));
        } else {
            for (after, bytes) in arriving {
                self.plan(server, after, Happening::Request(caller, bytes));
            }
        }
    }

    pub(crate) fn response(
        &mut self,
        number: usize,
        (asker, exchange): (Asker, Exchange),
        bytes: Vec<u8>,
    ) -> Result<(), Broken> {
        // The machines have to stand a second response to one request; a real host would never see it.
        let node = &mut self.nodes[number];
        let is_awaited = node.waiting.remove(&(asker, exchange)).is_some();
        match asker {
            Asker::Cache => self.cache_response(number, exchange, bytes, is_awaited),
            Asker::Downloader => {
                if is_awaited {
                    node.messages.insert(exchange, bytes.clone());
                }
                let bytes = &bytes;
                self.client(number, Input::Message { exchange, bytes })?;
                if is_awaited {
                    self.forget_message(number, exchange);
                }
                Ok(())
            }
        }
    }

    pub(crate) fn failed(
        &mut self,
        number: usize,
        asker: Asker,
        exchange: Exchange,
    ) -> Result<(), Broken> {
        let node = &mut self.nodes[number];
        // A connection that brought its response fails no more.
        if node.waiting.remove(&(asker, exchange)).is_some() {
            match asker {
                Asker::Downloader => {
                    self.client(number, Input::Failed { exchange })?;
                }
                Asker::Cache => self.cache_failed(number, exchange)?,
            }
        }
        Ok(())
    }
}
