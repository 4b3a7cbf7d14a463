//! MS-PCCRR 3.2: what a host does for its retrieval server.
//! Invariant: nobody gives what he does not have: answers come from the machine, which asks the store.
//! Byte order: none.

use peerdist::retrieval::client::Query;
use peerdist::retrieval::server::{self, Answer, Connection, Exchange, Holdings, Input, Output};

use super::branch::{Branch, Happening, Route, Sending};
use super::host::Caller;
use super::overhead::RETRIEVAL_RESPONSE;

impl Branch<'_> {
    /// A request is at a host.
    pub(super) fn requested(&mut self, caller: Caller, number: u32, query: &Query) {
        let now = self.now;
        let latency = self.lan_latency();
        if self.faulting.is_silent(number) {
            return;
        }
        let lies = self.faulting.lies(number);
        let connection = self.host(number).and_then(|host| {
            let answering = host.answering(now)?;
            answering.connections += 1;
            let connection = Connection(answering.connections);
            answering.callers.insert(connection, caller);
            Some(connection)
        });
        let Some(connection) = connection else {
            self.queue.push(now + latency, Happening::Failed(caller));
            return;
        };
        let host = self.host(caller.host);
        if let Some(waiting) = host.and_then(|host| host.waiting.get_mut(&caller.exchange)) {
            waiting.connection = Some(connection);
        } else {
            // Who asked is gone.
            self.forget_caller(number, connection);
            return;
        }
        let claims = &self.faulting.claims;
        if let Some(host) = self.hosts.get_mut(number as usize)
            && let Some(answering) = host.answering.as_deref_mut()
        {
            let holdings: &dyn Holdings = if lies { claims } else { &host.store };
            let input = Input::Request {
                connection,
                request: &query.request(),
                holdings,
            };
            let handled = answering.server.handle(now, input);
            self.check_server(number, handled);
        }
        self.drain_server(number);
    }

    fn check_server(&mut self, number: u32, handled: Result<(), peerdist::error::ApiMisuse>) {
        if let Err(misuse) = handled {
            self.violated(format!(
                "the server of host {number} refused an input: {misuse}"
            ));
        }
    }

    fn tell_server(&mut self, number: u32, input: Input<'_>) {
        let now = self.now;
        let host = self.host(number);
        if let Some(answering) = host.and_then(|host| host.answering.as_deref_mut()) {
            let handled = answering.server.handle(now, input);
            self.check_server(number, handled);
        }
        self.drain_server(number);
    }

    pub(super) fn server_timeout(&mut self, number: u32) {
        self.tell_server(number, Input::Timeout);
    }

    /// The last byte of an answer went out.
    pub(super) fn sent(&mut self, number: u32, connection: Connection) {
        if let Some(exchange) = self.forget_caller(number, connection) {
            self.tell_server(number, Input::Sent { exchange });
        }
    }

    /// Who asked went away.
    pub(super) fn closed(&mut self, number: u32, connection: Connection) {
        if let Some(exchange) = self.forget_caller(number, connection) {
            self.tell_server(number, Input::Closed { exchange });
        }
    }

    fn forget_caller(&mut self, number: u32, connection: Connection) -> Option<Exchange> {
        let answering = self.host(number)?.answering.as_deref_mut()?;
        answering.callers.remove(&connection);
        answering.sending.remove(&connection)
    }

    fn drain_server(&mut self, number: u32) {
        let poll = |branch: &mut Self| {
            let answering = branch.host(number)?.answering.as_deref_mut()?;
            answering.server.poll_output()
        };
        while let Some(output) = poll(self) {
            self.obey_server(number, output);
        }
        self.plan_wakes(number);
    }

    fn obey_server(&mut self, number: u32, output: Output) {
        match output {
            Output::Encrypt(op) => self.load(number, op.exchange, &op.source),
            Output::Load(op) => self.load(number, op.exchange, &op.source),
            Output::Respond {
                connection,
                exchange,
                answer,
            } => self.respond(number, connection, exchange, answer),
            Output::Discard { connection } | Output::Abort { connection, .. } => {
                self.turn_away(number, connection);
            }
            Output::Event(_) => {}
        }
    }

    fn load(&mut self, number: u32, exchange: Exchange, source: &server::BlockSource) {
        let host = self.hosts.get(number as usize);
        let block = host.and_then(|host| host.store.block(source.segment, source.index));
        let bytes = block.map_or(0, |block| block.length.into());
        if let Some(at) = self.reads_until(number, bytes) {
            let happening = Happening::Loaded {
                host: number,
                exchange,
                source: *source,
            };
            return self.queue.push(at, happening);
        }
        self.have_ready(number, exchange, source);
    }

    /// A slow disk has read a block.
    pub(super) fn loaded(&mut self, number: u32, exchange: Exchange, source: &server::BlockSource) {
        self.have_ready(number, exchange, source);
        self.drain_server(number);
    }

    /// Looks once more whether a block is there: it is nobody's to give otherwise.
    fn have_ready(&mut self, number: u32, exchange: Exchange, source: &server::BlockSource) {
        let now = self.now;
        let lies = self.faulting.lies(number);
        let Some(host) = self.host(number) else {
            return;
        };
        let is_there = lies || host.store.block(source.segment, source.index).is_some();
        let Some(answering) = host.answering.as_deref_mut() else {
            return;
        };
        let input = if is_there {
            Input::Ready { exchange }
        } else {
            Input::Lost { exchange }
        };
        let handled = answering.server.handle(now, input);
        self.check_server(number, handled);
    }

    fn respond(
        &mut self,
        number: u32,
        connection: Connection,
        exchange: Option<Exchange>,
        answer: Answer,
    ) {
        let Some(answering) = self
            .host(number)
            .and_then(|host| host.answering.as_deref_mut())
        else {
            return;
        };
        let Some(caller) = answering.callers.get(&connection).copied() else {
            return;
        };
        if let Some(exchange) = exchange {
            answering.sending.insert(connection, exchange);
        }
        let is_wrong = self.is_wrong_from(number, &answer);
        let bytes = RETRIEVAL_RESPONSE + answer.body_len() as u64;
        let route = Route::Lan {
            from: number,
            to: caller.host,
        };
        let sending = Sending::Response {
            caller,
            peer: number,
            connection,
            answer,
            is_wrong,
        };
        self.send(route, true, bytes, u64::MAX, sending);
    }

    /// Closes a connection without an answer.
    fn turn_away(&mut self, number: u32, connection: Connection) {
        let host = self.host(number);
        let answering = host.and_then(|host| host.answering.as_deref_mut());
        let caller = answering.and_then(|answering| {
            answering.sending.remove(&connection);
            answering.callers.remove(&connection)
        });
        let Some(caller) = caller else {
            return;
        };
        let host = self.host(caller.host);
        let waiting = host.and_then(|host| host.waiting.get_mut(&caller.exchange));
        if let Some(flow) = waiting.and_then(|waiting| waiting.flow.take()) {
            self.cut(flow);
        }
        let at = self.now + self.lan_latency();
        self.queue.push(at, Happening::Failed(caller));
    }
}
