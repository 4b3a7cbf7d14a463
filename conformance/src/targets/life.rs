//! A responder from its beginning to its end: it fetches what it is to hold, serves it, and is started again.
//! Invariant: what was started ends with what the judge keeps of it.
//! Byte order: none.

use core::any::Any;
use core::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use super::client::{Client, How};
use super::command::Surroundings;
use super::responder::Responder;
use super::service::{NotReady, Ready, Service};
use crate::judge::Stop;
use crate::judge::session::Session;

/// How a responder is made to hold something, and how it is started.
#[derive(Debug, Clone)]
pub struct Life {
    /// How it fetches: a command has `{store}` in it, beside what commands of clients have.
    pub fetch: How,
    /// How it serves what it fetched.
    pub serve: Serve,
}

/// How a responder is started.
#[derive(Debug, Clone)]
pub enum Serve {
    /// A command with `{store}` in it and `{address}`, where it takes connections once it is ready.
    Command(String),
    /// Something in this process.
    InProcess(Arc<dyn Serves>),
}

/// What can serve in this process what was fetched into a folder.
pub trait Serves: Debug + Send + Sync {
    /// Starts to serve.
    ///
    /// # Errors
    /// That of the system, or that nothing was fetched.
    fn serve(&self, store: &Path) -> io::Result<Serving>;
}

/// A responder that serves, until it is dropped.
#[derive(Debug)]
pub struct Serving {
    /// Where it is probed by unicast; `None`: it is probed by multicast.
    pub address: Option<SocketAddr>,
    /// What ends with it.
    pub keep: Box<dyn Any + Send>,
}

impl Life {
    /// One of commands.
    #[must_use]
    pub fn commands(fetch: &str, serve: &str) -> Self {
        Self {
            fetch: How::Command(fetch.to_owned()),
            serve: Serve::Command(serve.to_owned()),
        }
    }

    /// Who fetches, as a client.
    fn client(&self, interface: IpAddr) -> Result<Client, Stop> {
        let IpAddr::V4(interface) = interface else {
            let why = "needs an interface with IPv4, over which clients look for peers";
            return Err(Stop::Skip(why.to_owned()));
        };
        Ok(Client {
            distributed: self.fetch.clone(),
            hosted: None,
            secured: None,
            interface,
        })
    }
}

impl Session<'_, Responder> {
    /// Its life, and who fetches for it.
    ///
    /// # Errors
    /// [`Stop::Skip`] where the judge was told of none.
    pub fn life(&self) -> Result<(&Life, Client), Stop> {
        let Some(life) = &self.target.life else {
            let why = "needs commands that fetch and serve what it is to hold";
            return Err(Stop::Skip(why.to_owned()));
        };
        Ok((life, life.client(self.target.interface)?))
    }

    /// Starts it over what is in a folder, and waits until it hears probes.
    ///
    /// # Errors
    /// [`Stop::Unsupported`] where it says so, [`Stop::Inconclusive`] where it does not serve.
    pub fn serving(&self, life: &Life, store: &Path) -> Result<Serving, Stop> {
        let failed = |why: String| Stop::Inconclusive(format!("it does not serve: {why}"));
        let command = match &life.serve {
            Serve::InProcess(server) => {
                return server
                    .serve(store)
                    .map_err(|error| failed(error.to_string()));
            }
            Serve::Command(command) => command,
        };
        // Nobody else asks for a port in between, or the command says so.
        let free = TcpListener::bind((self.target.interface, 0)).and_then(|it| it.local_addr());
        let free = free.map_err(|error| failed(format!("no port is free: {error}")))?;
        let (store, address) = (store.to_string_lossy(), free.to_string());
        let values = [("store", &*store), ("address", &*address)];
        let ready = Ready::Port(free);
        let patience = self.settings.answer;
        let started = Service::start(command, &values, &Surroundings::default(), &ready, patience);
        let service = started.map_err(|why| {
            let (why, said) = match why {
                NotReady::Unsupported(said) => return Stop::Unsupported(said.trim().to_owned()),
                NotReady::Ended(status, said) => (format!("it ended with {status:?}"), said),
                NotReady::Late(said) => (format!("{free} takes no connection"), said),
                NotReady::Nowhere(said) => ("it did not say where".to_owned(), said),
                NotReady::NotStarted(error) => (error.to_string(), String::new()),
                NotReady::Stopped => ("everything is to end".to_owned(), String::new()),
            };
            self.recorder.command().received(said.as_bytes());
            failed(why)
        })?;
        // Whoever takes connections may join the group a moment later.
        thread::sleep(self.settings.silence);
        Ok(Serving {
            address: None,
            keep: Box::new(service),
        })
    }
}
