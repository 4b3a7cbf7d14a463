//! OpenSSL 3's EVP functions, opened at run time so that nothing must be installed to build.
//! Invariant: all calls into C of this package are here; pointers live as long as the library they came from.
#![expect(
    unsafe_code,
    reason = "a C library opened at run time has no safe interface; its few functions are wrapped here"
)]

use std::ffi::{CStr, c_char, c_int, c_uchar, c_uint, c_void};
use std::ptr::{NonNull, null, null_mut};

use libloading::Library;

use super::NotInstalled;

/// Names under which systems install OpenSSL 3's library, tried in turn.
const LIBRARY_NAMES: [&str; 3] = ["libcrypto.so.3", "libcrypto.3.dylib", "libcrypto-3-x64.dll"];

/// `EVP_MAX_MD_SIZE`.
const MAX_DIGEST_LEN: usize = 64;

const OPENSSL_VERSION: c_int = 0;

type Init2 = unsafe extern "C" fn(
    *mut c_void,
    *const c_void,
    *const c_uchar,
    *const c_uchar,
    *const c_void,
) -> c_int;
type CipherUpdate =
    unsafe extern "C" fn(*mut c_void, *mut c_uchar, *mut c_int, *const c_uchar, c_int) -> c_int;

/// The functions in use, named as the library names them without their prefix `EVP_`.
struct Functions {
    md_fetch: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut c_void,
    md_free: unsafe extern "C" fn(*mut c_void),
    md_ctx_new: unsafe extern "C" fn() -> *mut c_void,
    md_ctx_free: unsafe extern "C" fn(*mut c_void),
    digest_init_ex2: unsafe extern "C" fn(*mut c_void, *const c_void, *const c_void) -> c_int,
    digest_update: unsafe extern "C" fn(*mut c_void, *const c_void, usize) -> c_int,
    digest_final_ex: unsafe extern "C" fn(*mut c_void, *mut c_uchar, *mut c_uint) -> c_int,
    cipher_fetch: unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut c_void,
    cipher_free: unsafe extern "C" fn(*mut c_void),
    cipher_ctx_new: unsafe extern "C" fn() -> *mut c_void,
    cipher_ctx_free: unsafe extern "C" fn(*mut c_void),
    cipher_ctx_set_padding: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    encrypt_init_ex2: Init2,
    encrypt_update: CipherUpdate,
    decrypt_init_ex2: Init2,
    decrypt_update: CipherUpdate,
    version: unsafe extern "C" fn(c_int) -> *const c_char,
}

/// The opened library. Contexts borrow it, so that it outlives them.
pub struct Libcrypto {
    functions: Functions,
    /// Keeps the code behind `functions` mapped.
    _library: Library,
}

impl std::fmt::Debug for Libcrypto {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Libcrypto").field(&self.version()).finish()
    }
}

impl Libcrypto {
    /// Opens the library of the system.
    ///
    /// # Errors
    /// When no OpenSSL 3 is installed.
    pub fn open() -> Result<Self, NotInstalled> {
        let mut reason = NotInstalled(format!("none of {LIBRARY_NAMES:?}"));
        for name in LIBRARY_NAMES {
            // SAFETY: the initialisers of OpenSSL have no preconditions and may run at any time.
            let library = unsafe { Library::new(name) };
            match library.and_then(|library| Ok((Functions::load(&library)?, library))) {
                Ok((functions, library)) => {
                    return Ok(Self {
                        functions,
                        _library: library,
                    });
                }
                // The reason of a library that is there but too old is worth more than "no such file".
                Err(error @ libloading::Error::DlSym { .. }) => {
                    reason = NotInstalled(format!("{name} is not OpenSSL 3 ({error})"));
                }
                Err(_) => {}
            }
        }
        Err(reason)
    }

    /// Such as "OpenSSL 3.0.19 27 Jan 2026".
    #[must_use]
    pub fn version(&self) -> String {
        // SAFETY: the function takes any integer and returns a string that lives as long as the library.
        let text = unsafe { CStr::from_ptr((self.functions.version)(OPENSSL_VERSION)) };
        text.to_string_lossy().into_owned()
    }

    /// A hasher for the algorithm of a name such as "SHA256".
    ///
    /// # Errors
    /// When the library does not offer it.
    pub fn hasher(&self, algorithm: &CStr) -> Result<Hasher<'_>, NotInstalled> {
        let functions = &self.functions;
        // SAFETY: a null library context is the default one, null properties are none.
        let md = unsafe { (functions.md_fetch)(null_mut(), algorithm.as_ptr(), null()) };
        let md = NonNull::new(md).ok_or_else(|| refused(algorithm))?;
        // SAFETY: no preconditions.
        let ctx = NonNull::new(unsafe { (functions.md_ctx_new)() });
        let Some(ctx) = ctx else {
            // SAFETY: `md` was fetched above and nothing else holds it.
            unsafe { (functions.md_free)(md.as_ptr()) };
            return Err(refused(algorithm));
        };
        Ok(Hasher { functions, md, ctx })
    }

    /// AES-128-CBC without padding under one key.
    ///
    /// # Errors
    /// When the library refuses.
    pub fn aes_128_cbc(
        &self,
        key: &[u8; 16],
        direction: Direction,
    ) -> Result<Cbc<'_>, NotInstalled> {
        let (functions, name) = (&self.functions, c"AES-128-CBC");
        // SAFETY: a null library context is the default one, null properties are none.
        let cipher = unsafe { (functions.cipher_fetch)(null_mut(), name.as_ptr(), null()) };
        let cipher = NonNull::new(cipher).ok_or_else(|| refused(name))?;
        // SAFETY: no preconditions.
        let ctx = NonNull::new(unsafe { (functions.cipher_ctx_new)() });
        let Some(ctx) = ctx else {
            // SAFETY: `cipher` was fetched above and nothing else holds it.
            unsafe { (functions.cipher_free)(cipher.as_ptr()) };
            return Err(refused(name));
        };
        let cbc = Cbc {
            functions,
            cipher,
            ctx,
            direction,
        };
        // SAFETY: context and cipher are live, the key has the cipher's 16 bytes, the null IV comes later.
        let keyed = unsafe {
            cbc.init()(ctx.as_ptr(), cipher.as_ptr(), key.as_ptr(), null(), null()) == 1
                && (functions.cipher_ctx_set_padding)(ctx.as_ptr(), 0) == 1
        };
        if keyed { Ok(cbc) } else { Err(refused(name)) }
    }
}

fn refused(algorithm: &CStr) -> NotInstalled {
    NotInstalled(format!("libcrypto refuses {}", algorithm.to_string_lossy()))
}

impl Functions {
    fn load(library: &Library) -> Result<Self, libloading::Error> {
        // SAFETY: the types above are those of the public headers of OpenSSL 3 (openssl/evp.h, crypto.h).
        unsafe {
            Ok(Self {
                md_fetch: *library.get(c"EVP_MD_fetch")?,
                md_free: *library.get(c"EVP_MD_free")?,
                md_ctx_new: *library.get(c"EVP_MD_CTX_new")?,
                md_ctx_free: *library.get(c"EVP_MD_CTX_free")?,
                digest_init_ex2: *library.get(c"EVP_DigestInit_ex2")?,
                digest_update: *library.get(c"EVP_DigestUpdate")?,
                digest_final_ex: *library.get(c"EVP_DigestFinal_ex")?,
                cipher_fetch: *library.get(c"EVP_CIPHER_fetch")?,
                cipher_free: *library.get(c"EVP_CIPHER_free")?,
                cipher_ctx_new: *library.get(c"EVP_CIPHER_CTX_new")?,
                cipher_ctx_free: *library.get(c"EVP_CIPHER_CTX_free")?,
                cipher_ctx_set_padding: *library.get(c"EVP_CIPHER_CTX_set_padding")?,
                encrypt_init_ex2: *library.get(c"EVP_EncryptInit_ex2")?,
                encrypt_update: *library.get(c"EVP_EncryptUpdate")?,
                decrypt_init_ex2: *library.get(c"EVP_DecryptInit_ex2")?,
                decrypt_update: *library.get(c"EVP_DecryptUpdate")?,
                version: *library.get(c"OpenSSL_version")?,
            })
        }
    }
}

/// One digest context, used again for every input: the fastest way the library offers.
pub struct Hasher<'a> {
    functions: &'a Functions,
    md: NonNull<c_void>,
    ctx: NonNull<c_void>,
}

impl std::fmt::Debug for Hasher<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hasher").finish_non_exhaustive()
    }
}

impl Hasher<'_> {
    /// Writes the digest of `data` to the front of `out`.
    ///
    /// # Panics
    /// When the library reports an error, which it has no reason to.
    pub fn digest_into(&mut self, data: &[u8], out: &mut [u8; MAX_DIGEST_LEN]) {
        let ctx = self.ctx.as_ptr();
        let mut len: c_uint = 0;
        // SAFETY: context and digest are live and ours alone; `data` is read for its length only, and
        // `out` has room for the longest digest that the library can write.
        let good = unsafe {
            (self.functions.digest_init_ex2)(ctx, self.md.as_ptr(), null()) == 1
                && (self.functions.digest_update)(ctx, data.as_ptr().cast(), data.len()) == 1
                && (self.functions.digest_final_ex)(ctx, out.as_mut_ptr(), &raw mut len) == 1
        };
        assert!(good, "libcrypto failed to hash {} bytes", data.len());
    }
}

impl Drop for Hasher<'_> {
    fn drop(&mut self) {
        // SAFETY: both came from their constructors and are freed once.
        unsafe {
            (self.functions.md_ctx_free)(self.ctx.as_ptr());
            (self.functions.md_free)(self.md.as_ptr());
        }
    }
}

/// Which way a cipher goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Plain to cipher.
    Encrypt,
    /// Cipher to plain.
    Decrypt,
}

/// One cipher context; the key schedule stays, each block has its IV.
pub struct Cbc<'a> {
    functions: &'a Functions,
    cipher: NonNull<c_void>,
    ctx: NonNull<c_void>,
    direction: Direction,
}

impl std::fmt::Debug for Cbc<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cbc")
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}

impl Cbc<'_> {
    fn init(&self) -> Init2 {
        match self.direction {
            Direction::Encrypt => self.functions.encrypt_init_ex2,
            Direction::Decrypt => self.functions.decrypt_init_ex2,
        }
    }

    fn update(&self) -> CipherUpdate {
        match self.direction {
            Direction::Encrypt => self.functions.encrypt_update,
            Direction::Decrypt => self.functions.decrypt_update,
        }
    }

    /// Enciphers or deciphers whole AES blocks where they lie.
    ///
    /// # Panics
    /// When `data` is no whole number of AES blocks or longer than 2 GiB, or the library reports an error.
    pub fn apply(&mut self, iv: &[u8; 16], data: &mut [u8]) {
        assert!(
            data.len().is_multiple_of(16),
            "{} bytes are no whole AES blocks",
            data.len()
        );
        let len = c_int::try_from(data.len()).expect("a block is shorter than 2 GiB");
        let (ctx, at) = (self.ctx.as_ptr(), data.as_mut_ptr());
        let mut written: c_int = 0;
        // SAFETY: the context is live, keyed and ours alone; null cipher and key keep those it has; in and
        // out are the same `len` bytes, which the library allows, and without padding it writes no more.
        let good = unsafe {
            self.init()(ctx, null(), null(), iv.as_ptr(), null()) == 1
                && self.update()(ctx, at, &raw mut written, at, len) == 1
        };
        assert!(
            good && written == len,
            "libcrypto failed to cipher {len} bytes"
        );
    }
}

impl Drop for Cbc<'_> {
    fn drop(&mut self) {
        // SAFETY: both came from their constructors and are freed once.
        unsafe {
            (self.functions.cipher_ctx_free)(self.ctx.as_ptr());
            (self.functions.cipher_free)(self.cipher.as_ptr());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The library, or a line that says what was not run.
    fn library(test: &str) -> Option<Libcrypto> {
        // Written to stderr itself: the test runner swallows what the printing macros write.
        let not_run = |reason| writeln!(std::io::stderr(), "NOT RUN: {test}: {reason}").unwrap();
        Libcrypto::open().map_err(not_run).ok()
    }

    #[test]
    fn evp_hashes_as_fips_180_says() {
        let Some(library) = library("evp_hashes_as_fips_180_says") else {
            return;
        };
        let mut out = [0; MAX_DIGEST_LEN];
        library
            .hasher(c"SHA256")
            .unwrap()
            .digest_into(b"abc", &mut out);
        assert_eq!(out[..4], [0xba, 0x78, 0x16, 0xbf]);
        let mut hasher = library.hasher(c"SHA512").unwrap();
        // A context that was used before starts afresh.
        hasher.digest_into(b"something else", &mut out);
        hasher.digest_into(b"abc", &mut out);
        assert_eq!(out[..4], [0xdd, 0xaf, 0x35, 0xa1]);
        assert_eq!(out[60..], [0xa5, 0x4c, 0xa4, 0x9f]);
    }

    #[test]
    fn evp_deciphers_what_it_enciphered_under_each_iv() {
        let Some(library) = library("evp_deciphers_what_it_enciphered_under_each_iv") else {
            return;
        };
        let key = [7; 16];
        let mut encrypt = library.aes_128_cbc(&key, Direction::Encrypt).unwrap();
        let mut decrypt = library.aes_128_cbc(&key, Direction::Decrypt).unwrap();
        let mut ciphertexts = Vec::new();
        for iv in [[1; 16], [2; 16]] {
            let mut data = *b"two blocks of AES, 32 bytes long";
            encrypt.apply(&iv, &mut data);
            ciphertexts.push(data);
            decrypt.apply(&iv, &mut data);
            assert_eq!(&data, b"two blocks of AES, 32 bytes long");
        }
        assert_ne!(ciphertexts[0], ciphertexts[1]);
    }

    #[test]
    fn an_unknown_algorithm_is_refused_by_name() {
        let Some(library) = library("an_unknown_algorithm_is_refused_by_name") else {
            return;
        };
        let refusal = library.hasher(c"SHA3000").unwrap_err();
        assert!(refusal.to_string().contains("SHA3000"), "{refusal}");
    }
}
