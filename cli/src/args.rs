//! What can be said to the command. The doc comments here are its help and its man pages.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use peerdist::content::CONTENT_MAX_BYTES;
use peerdist_node::content_info::THREADS_MAX;

use clap::{ArgGroup, Parser, Subcommand, ValueEnum, ValueHint};

use crate::conform::args::ConformCommand;
pub(crate) use crate::doctor::DoctorArgs;
use crate::get::args::GetArgs;
pub(crate) use crate::hosted_cache::args::HostedCacheArgs;
pub(crate) use crate::operations::status::StatusArgs;
pub(crate) use crate::serving::args::{ProxyArgs, ServeArgs};
use crate::serving::peer::PeerArgs;
use crate::sim::args::SimCommand;

/// PeerDist (BranchCache) without Windows: clients, content servers, peers and hosted caches.
///
/// Exit codes: 0 good, 1 the thing judged failed, 2 usage or input, 3 not supported or not reached.
#[derive(Debug, Parser)]
#[command(name = "peerdist", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch content from peers, a hosted cache and its origin, every block of it verified
    Get(GetArgs),
    /// Serve the files below a directory, with content information for clients that ask
    ///
    /// The first lines on standard output say what is served where; port 0 takes one that is free. SIGTERM and SIGINT
    /// let requests end and stop.
    ///
    /// Files up to 4 MiB are hashed when they are asked for; longer ones are sent as they are, once, and hashed behind
    /// the answer. So is a file that was written to within the last two seconds, once it rests.
    Serve(ServeArgs),
    /// Front a web server, and give its answers content information for clients that ask
    ///
    /// Answers with a strong ETag, or a Last-Modified that is old enough, are hashed as they pass; the next client that
    /// asks gets content information. Answers with no-store or no-transform are left alone.
    Proxy(ProxyArgs),
    Peer(PeerArgs),
    HostedCache(HostedCacheArgs),
    /// Look into a store of blocks, check it, empty it, carry segments to another
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Show what Get-BCStatus shows, of a process that runs
    ///
    /// It is asked over its admin page. What means nothing without Windows stays empty.
    Status(StatusArgs),
    /// Look whether this machine is fit to run what it is to run, and say what to do
    ///
    /// Exit code 1 if something is bad. Nothing is changed.
    Doctor(DoctorArgs),
    /// Make, show and check content information (MS-PCCRC)
    #[command(subcommand)]
    Info(InfoCommand),
    /// Make, export and import a content server's secret key
    #[command(subcommand)]
    Secret(SecretCommand),
    Decode(DecodeArgs),
    /// Simulate branches, and learn what PeerDist would save
    #[command(subcommand)]
    Sim(SimCommand),
    /// Hold this implementation, or another one, against test vectors
    #[command(subcommand)]
    Vectors(VectorsCommand),
    /// Judge implementations of the protocols, this one or others
    #[command(subcommand)]
    Conform(ConformCommand),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write the man pages
    Man(ManArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum InfoCommand {
    /// Make the content information of a file
    ///
    /// Without a secret a new random one is used: the result is good for one download, but no later content
    /// information of the same file will name the same segments.
    Create(CreateArgs),
    /// Show what content information says
    Show(ShowArgs),
    /// Check a file against content information, block by block
    ///
    /// Every block that differs is named with its place. Exit code 1 if one does.
    Verify(VerifyArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateArgs {
    /// The content; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Version of the content information
    #[arg(long, value_enum, default_value_t = Version::V2)]
    pub(crate) version: Version,
    /// Hash algorithm of version 1 [default: sha256]
    #[arg(long, value_enum)]
    pub(crate) hash: Option<Hash>,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
    /// Only these bytes of the content: START..END, END not included; either may be left out
    #[arg(long, value_name = "START..END", allow_hyphen_values = true)]
    pub(crate) range: Option<RangeArg>,
    /// Threads that read and hash [default: one a core]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Where the content information goes; - is standard output
    #[arg(short, long, value_name = "OUT", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
}

/// Whose segments: one of three ways to give the server's secret key.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("secret").multiple(false))]
pub(crate) struct SecretArgs {
    /// The secret key in hexadecimal
    #[arg(long, value_name = "HEX", group = "secret")]
    pub(crate) secret_hex: Option<String>,
    /// A file that holds the raw bytes of the secret key
    #[arg(long, value_name = "F", group = "secret", value_hint = ValueHint::FilePath)]
    pub(crate) secret_file: Option<PathBuf>,
    /// The passphrase that stands for the secret key, as Windows takes it
    #[arg(long, value_name = "TEXT", group = "secret")]
    pub(crate) passphrase: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// The content information; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) info: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// With the segment secrets, which open the content to whoever sees them
    #[arg(long)]
    pub(crate) secrets: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    /// The whole content, also where the content information is for a part of it; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) content: PathBuf,
    /// The content information; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) info: PathBuf,
    #[command(flatten)]
    pub(crate) secret: SecretArgs,
    /// Threads that read and hash [default: one a core]
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = threads)]
    pub(crate) threads: Option<NonZeroUsize>,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Make a new random secret key of 32 bytes
    New(NewArgs),
    /// Write a secret key as an encrypted key file, as netsh branchcache exportkey does
    Export(ExportArgs),
    /// Read an encrypted key file, as netsh branchcache importkey does
    Import(ImportArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct NewArgs {
    /// Where the raw bytes go [default: hexadecimal on standard output]
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(
    group = ArgGroup::new("key").multiple(false).required(true),
    override_usage = "peerdist secret export [OPTIONS] --passphrase-file <F> <SECRET>\n       \
                      peerdist secret export [OPTIONS] --passphrase-file <F> --secret-hex <HEX>"
)]
pub(crate) struct ExportArgs {
    /// A file that holds the raw bytes of the secret key
    #[arg(value_name = "SECRET", group = "key", value_hint = ValueHint::FilePath)]
    pub(crate) secret: Option<PathBuf>,
    /// The secret key in hexadecimal, instead of a file
    #[arg(long, value_name = "HEX", group = "key")]
    pub(crate) secret_hex: Option<String>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Where the key file goes; - is standard output
    #[arg(short, long, value_name = "OUT", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(override_usage = "peerdist secret import [OPTIONS] --passphrase-file <F> <KEYFILE>")]
pub(crate) struct ImportArgs {
    /// The encrypted key file
    #[arg(value_name = "KEYFILE", value_hint = ValueHint::FilePath)]
    pub(crate) key_file: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseArgs,
    /// Where the raw bytes go [default: hexadecimal on standard output]
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

/// The passphrase that a key file is encrypted under.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("word").multiple(false).required(true))]
pub(crate) struct PassphraseArgs {
    /// The passphrase of the key file; other users of the machine may see it
    #[arg(long, value_name = "TEXT", group = "word")]
    pub(crate) passphrase: Option<String>,
    /// A file whose first line is the passphrase; - is standard input
    #[arg(long, value_name = "F", group = "word", value_hint = ValueHint::FilePath)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// Show any message of the protocols field by field
///
/// Offsets are from the first byte of the input, in decimal and in hexadecimal. What is not valid is shown up to the
/// error. Exit code 0 if the input is a message, 1 if it is none, 2 for usage.
///
/// Input of pccrtp is text, as it stands in an HTTP message: header lines, such as 'X-P2P-PeerDist: Version=1.1', or
/// a whole head and the body behind it.
#[derive(Debug, clap::Args)]
pub(crate) struct DecodeArgs {
    /// The message, as raw bytes; - is standard input
    #[arg(value_name = "FILE", conflicts_with = "hex", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// The message in hexadecimal, instead of a file; spaces, colons and line ends between digits are fine
    #[arg(long, value_name = "HEX")]
    pub(crate) hex: Option<String>,
    /// Whose message it is; auto looks at the first bytes and says what it chose
    #[arg(long, value_enum, default_value_t = DecodeProtocol::Auto)]
    pub(crate) protocol: DecodeProtocol,
    /// As JSON, with the bytes of every field in full
    #[arg(long)]
    pub(crate) json: bool,
    /// With the segment secrets, which open the content to whoever sees them
    #[arg(long)]
    pub(crate) secrets: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeProtocol {
    /// Whichever it is
    Auto,
    /// Content information (MS-PCCRC)
    Pccrc,
    /// Discovery (MS-PCCRD)
    Pccrd,
    /// Header fields of HTTP (MS-PCCRTP)
    Pccrtp,
    /// Retrieval (MS-PCCRR)
    Pccrr,
    /// Hosted cache (MS-PCHC)
    Pchc,
    /// SRV_READ_HASH (MS-SMB2)
    Smb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// List what is kept
    Ls(CacheLsArgs),
    /// Show what is known of one segment
    Show(CacheShowArgs),
    /// Hold every block against its hash
    ///
    /// Damaged blocks are set aside in the store's folder quarantine and served no longer. Exit code 1 if there is one.
    Verify(CacheVerifyArgs),
    /// Remove segments: all, or those that are named
    Flush(CacheFlushArgs),
    /// Write verified segments to a package, to be imported elsewhere
    Export(CacheExportArgs),
    /// Keep the blocks of a package, each after it was held against its hash
    Import(CacheImportArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CacheLsArgs {
    /// The directory of the store; a process that has it open is asked instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CacheShowArgs {
    /// The segment's id (HoHoDk)
    pub(crate) segment: String,
    /// The directory of the store; a process that has it open is asked instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CacheVerifyArgs {
    /// The directory of the store; a process that has it open is asked instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CacheFlushArgs {
    /// Only this segment; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) segment: Vec<String>,
    /// The directory of the store; a process that has it open is asked instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CacheExportArgs {
    /// Only this segment; may be given several times
    #[arg(long, value_name = "ID")]
    pub(crate) segment: Vec<String>,
    /// With the segment secrets, which open the content to whoever sees them
    ///
    /// Without them the blocks are served by the importing store only once content information of them is met there.
    #[arg(long)]
    pub(crate) secrets: bool,
    /// The directory of the store; a process that has it open is asked instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: PathBuf,
    /// Where the package goes; - is standard output
    #[arg(short, long, value_name = "OUT", default_value = "-", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CacheImportArgs {
    /// The package; - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) package: PathBuf,
    /// The directory of the store, made where it is missing; a process that has it open is asked instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) store: PathBuf,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VectorsCommand {
    /// Run every test vector and name those that fail
    ///
    /// Against this implementation, or with --exec against another one. What such a program reads and writes is told in
    /// vectors/README.md, and vectors/example_exec.py is one. It is ended when it is done, and everything it started with
    /// it.
    Run(RunArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// The folder of vectors
    #[arg(default_value = "vectors", value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
    /// Only cases whose id fits, such as 'pccrc-info-v1-*'
    #[arg(long, value_name = "GLOB")]
    pub(crate) filter: Option<String>,
    /// Ask this program instead, which sh runs: a vector a line in JSON in, an answer a line in JSON out
    ///
    /// What it does not support is counted and is no failure. Exit code 3 if it cannot be started, or supports nothing.
    #[arg(long, value_name = "CMD", value_hint = ValueHint::CommandString)]
    pub(crate) exec: Option<String>,
    /// Seconds that the program may take for an answer
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        requires = "exec",
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    pub(crate) timeout: u64,
    /// As JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The directory to write them to, one file a command
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Version {
    #[value(name = "1", alias = "1.0")]
    V1,
    #[value(name = "2", alias = "2.0")]
    V2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

fn threads(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .ok()
        .filter(|threads: &NonZeroUsize| threads.get() <= THREADS_MAX)
        .ok_or_else(|| format!("expected a whole number from 1 to {THREADS_MAX}"))
}

/// `START..END` as written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RangeArg {
    pub(crate) start: u64,
    pub(crate) end: Option<u64>,
}

impl FromStr for RangeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected START..END, such as 0..65536 or 1048576..";
        let (start, end) = text.split_once("..").ok_or(expected)?;
        let number = |text: &str| {
            let number = Some(text.replace('_', ""))
                .filter(|digits| !digits.starts_with('+'))
                .and_then(|digits| digits.parse::<u64>().ok());
            match number {
                Some(number) if number <= CONTENT_MAX_BYTES => Ok(number),
                _ => Err(format!(
                    "{text:?} is no offset from 0 to {CONTENT_MAX_BYTES}; {expected}"
                )),
            }
        };
        let start = if start.is_empty() { 0 } else { number(start)? };
        let end = if end.is_empty() {
            None
        } else {
            Some(number(end)?)
        };
        match end {
            Some(end) if end <= start => Err(format!(
                "it has no bytes, for END is not included; {expected}"
            )),
            _ => Ok(Self { start, end }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_finds_no_fault_with_the_arguments() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn ranges_may_leave_out_either_end() {
        let range = |text: &str| {
            text.parse::<RangeArg>()
                .map(|range| (range.start, range.end))
        };
        assert_eq!(range("1..5"), Ok((1, Some(5))));
        assert_eq!(range("7.."), Ok((7, None)));
        assert_eq!(range("..9"), Ok((0, Some(9))));
        assert_eq!(range("1_000..2_000"), Ok((1000, Some(2000))));
        for wrong in [
            "",
            "5",
            "5..5",
            "9..1",
            "a..b",
            "-1..4",
            "1...4",
            "+1..4",
            "0..9223372036854775809",
            "0..99999999999999999999",
        ] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
