//! RSA private keys (RFC 8017 appendix A.1.2): read, checked, and completed. Without OpenSSL, whose start takes longer
//! than a whole conversion.

use crypto_bigint::{BoxedUint, ConcatenatingMul, Gcd, NonZero};
use pkcs1::{RsaPrivateKey, RsaPublicKey, UintRef};
use pkcs8::der::{Encode, Error as DerError};
use x509_parser::asn1_rs::Tag;
use zeroize::Zeroizing;

use crate::asn1::{Malformed, Value};
use crate::limits::{self, LimitError};

/// The most bytes of a number: OpenSSL's limit for a modulus (OPENSSL_RSA_MAX_MODULUS_BITS). Arithmetic takes time.
const MAX_BYTES: usize = 16_384 / 8;

const PART: &str = "RSA private key";

/// The reasons why an RSA private key is of no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RsaError {
    /// It is not an RSAPrivateKey.
    Malformed(Malformed),
    /// Its numbers do not belong together.
    Inconsistent,
    /// Its primes are not there, and do not follow from its exponents.
    NoPrimes,
    /// It has more than two primes.
    ManyPrimes,
    /// A number has more than [`MAX_BYTES`].
    TooLarge,
    /// It was not checked.
    Limit(LimitError),
}

impl From<LimitError> for RsaError {
    fn from(error: LimitError) -> Self {
        Self::Limit(error)
    }
}

impl From<Malformed> for RsaError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

/// A non-negative integer, wiped when dropped.
type Number = Zeroizing<BoxedUint>;

/// An RSA private key whose numbers belong together.
pub(crate) struct RsaKey {
    exponents: Exponents,
    crt: Crt,
}

/// The modulus and the exponents.
struct Exponents {
    modulus: Number,
    public: Number,
    private: Number,
}

/// The primes, and what follows from them.
struct Crt {
    prime1: Number,
    prime2: Number,
    exponent1: Number,
    exponent2: Number,
    coefficient: Number,
}

impl RsaKey {
    /// Reads RSAPrivateKey in DER or BER, checks it, and completes it where only the modulus and the exponents are
    /// there.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, RsaError> {
        let numbers = read_numbers(encoded)?;
        let [modulus, public, private, crt @ ..] = &numbers[..] else {
            return Err(Malformed::new(PART, "has too few numbers").into());
        };
        limits::charge_arithmetic(1)?;
        let exponents = Exponents { modulus: number(modulus), public: number(public), private: number(private) };
        let crt = read_crt(crt, &exponents)?;
        let key = Self { exponents, crt };
        match key.is_consistent() {
            Some(true) => Ok(key),
            Some(false) | None => Err(RsaError::Inconsistent),
        }
    }

    /// Returns whether the numbers belong together (NIST SP 800-56B revision 2, section 6.4.1.2.3, without the tests
    /// that the primes are primes, which take long). `None` is a no.
    fn is_consistent(&self) -> Option<bool> {
        let Exponents { modulus, public, private } = &self.exponents;
        let Crt { prime1, prime2, exponent1, exponent2, coefficient } = &self.crt;
        let both_exponents = product(public, private);
        let fits = |prime: &Number, exponent: &Number| -> Option<bool> {
            let order = less_one(prime);
            let is_inverse = is_one(&remainder(&both_exponents, &order)?);
            Some(is_inverse && *remainder(private, &order)? == **exponent)
        };
        // OpenSSL does not sign with one that is not reduced.
        let is_reduced = *remainder(coefficient, prime1)? == **coefficient;
        let is_coefficient = is_reduced && is_one(&remainder(&product(prime2, coefficient), prime1)?);
        let is_product = *product(prime1, prime2) == **modulus;
        Some(is_product && !is_one(public) && fits(prime1, exponent1)? && fits(prime2, exponent2)? && is_coefficient)
    }

    /// Encodes the key in DER.
    pub(crate) fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, DerError> {
        let Exponents { modulus, public, private } = &self.exponents;
        let Crt { prime1, prime2, exponent1, exponent2, coefficient } = &self.crt;
        let key = RsaPrivateKey {
            modulus: UintRef::new(&bytes(modulus))?,
            public_exponent: UintRef::new(&bytes(public))?,
            private_exponent: UintRef::new(&bytes(private))?,
            prime1: UintRef::new(&bytes(prime1))?,
            prime2: UintRef::new(&bytes(prime2))?,
            exponent1: UintRef::new(&bytes(exponent1))?,
            exponent2: UintRef::new(&bytes(exponent2))?,
            coefficient: UintRef::new(&bytes(coefficient))?,
            other_prime_infos: None,
        }
        .to_der();
        Ok(Zeroizing::new(key?))
    }

    /// Encodes the public half, RSAPublicKey, in DER.
    pub(crate) fn public_key(&self) -> Result<Vec<u8>, DerError> {
        let (modulus, public_exponent) = (bytes(&self.exponents.modulus), bytes(&self.exponents.public));
        RsaPublicKey { modulus: UintRef::new(&modulus)?, public_exponent: UintRef::new(&public_exponent)? }.to_der()
    }
}

/// Reads the numbers after the version: big-endian, without leading zeros.
fn read_numbers(encoded: &[u8]) -> Result<Vec<&[u8]>, RsaError> {
    let (key, _) = Value::parse(encoded, PART)?;
    if !key.is(Tag::Sequence) {
        return Err(Malformed::new(PART, "is not a sequence").into());
    }
    let mut fields = key.reader(PART);
    match fields.required("the version")?.unsigned()? {
        0 => {}
        1 => return Err(RsaError::ManyPrimes),
        _ => return Err(Malformed::new(PART, "is of an unknown version").into()),
    }
    let mut numbers = Vec::with_capacity(8);
    while let Some(field) = fields.try_next()? {
        if numbers.len() == 8 {
            return Err(Malformed::new(PART, "has too many numbers").into());
        }
        numbers.push(magnitude(&field)?);
    }
    Ok(numbers)
}

fn magnitude<'a>(field: &Value<'a>) -> Result<&'a [u8], RsaError> {
    // Also says what is no non-negative integer.
    field.unsigned()?;
    let bytes = trimmed(field.content());
    if bytes.len() > MAX_BYTES { Err(RsaError::TooLarge) } else { Ok(bytes) }
}

/// Returns a big-endian integer without leading zeros.
pub(crate) fn trimmed(integer: &[u8]) -> &[u8] {
    let mut rest = integer;
    while let [0, tail @ ..] = rest {
        rest = tail;
    }
    rest
}

/// Takes the numbers after the exponents as they are, or works them out where they are zero or not there.
fn read_crt(numbers: &[&[u8]], exponents: &Exponents) -> Result<Crt, RsaError> {
    let are_zero = |numbers: &[&[u8]]| numbers.iter().all(|number| number.is_empty());
    let crt = match numbers {
        none if are_zero(none) => match find_primes(exponents)? {
            Some(Primes { larger, smaller }) => Crt::of(larger, smaller, exponents),
            None => return Err(RsaError::NoPrimes),
        },
        [prime1, prime2, none @ ..] if are_zero(none) => Crt::of(number(prime1), number(prime2), exponents),
        [prime1, prime2, exponent1, exponent2, coefficient] => Some(Crt {
            prime1: number(prime1),
            prime2: number(prime2),
            exponent1: number(exponent1),
            exponent2: number(exponent2),
            coefficient: number(coefficient),
        }),
        _ => None,
    };
    crt.ok_or(RsaError::Inconsistent)
}

impl Crt {
    /// Works out the numbers that follow from the primes, if there are such.
    fn of(prime1: Number, prime2: Number, exponents: &Exponents) -> Option<Self> {
        let inverse: Option<BoxedUint> =
            remainder(&prime2, &prime1)?.invert_odd_mod_vartime(prime1.as_odd_vartime()?).into();
        Some(Self {
            exponent1: remainder(&exponents.private, &less_one(&prime1))?,
            exponent2: remainder(&exponents.private, &less_one(&prime2))?,
            coefficient: Zeroizing::new(inverse?),
            prime1,
            prime2,
        })
    }
}

struct Primes {
    larger: Number,
    smaller: Number,
}

/// Finds the primes of a key of two, which takes long for a large one.
fn find_primes(exponents: &Exponents) -> Result<Option<Primes>, LimitError> {
    let kibibits = u64::from(exponents.modulus.bit_width_vartime().max(exponents.private.bit_width_vartime())) / 1024;
    limits::charge_arithmetic(kibibits * kibibits / 8)?;
    Ok(primes_of(exponents))
}

/// Works out the primes (NIST SP 800-56B revision 2, appendix C.2, whose names these are).
fn primes_of(exponents: &Exponents) -> Option<Primes> {
    let n = &exponents.modulus;
    let k = less_one(&product(&exponents.public, &exponents.private));
    let n_less_one = less_one(n);
    let a = product(&k, &Zeroizing::new(remainder(&k, &n_less_one)?.gcd_vartime(&n_less_one)));
    let (m, r) = divide(&a, n)?;
    let (quotient, rest) = divide(&difference(n, &r), &sum(&m, &one()))?;
    if !bool::from(rest.is_zero()) {
        return None;
    }
    let b = sum(&quotient, &one());
    let (square, four_n) = (product(&b, &b), product(n, &number(&[4])));
    if *square <= *four_n {
        return None;
    }
    let root = Zeroizing::new(difference(&square, &four_n).checked_sqrt_vartime()?);
    Some(Primes { larger: half(&sum(&b, &root)), smaller: half(&difference(&b, &root)) })
}

fn number(big_endian: &[u8]) -> Number {
    Zeroizing::new(BoxedUint::from_be_slice_vartime(big_endian))
}

fn bytes(number: &Number) -> Zeroizing<Box<[u8]>> {
    Zeroizing::new(number.to_be_bytes_trimmed_vartime())
}

fn one() -> Number {
    number(&[1])
}

fn is_one(number: &Number) -> bool {
    number.is_one().into()
}

fn product(a: &Number, b: &Number) -> Number {
    Zeroizing::new(a.concatenating_mul(&**b))
}

fn sum(a: &Number, b: &Number) -> Number {
    Zeroizing::new(a.concatenating_add(&**b))
}

/// Returns `a` - `b`, where `a` is the larger one.
fn difference(a: &Number, b: &Number) -> Number {
    Zeroizing::new(a.wrapping_sub(&**b))
}

fn less_one(number: &Number) -> Number {
    difference(number, &one())
}

fn half(number: &Number) -> Number {
    Zeroizing::new(number.shr(1))
}

/// Returns quotient and remainder; `None` for a division by zero.
fn divide(a: &Number, b: &Number) -> Option<(Number, Number)> {
    let (quotient, rest) = a.div_rem_vartime::<BoxedUint>(b.as_nz_vartime()?);
    Some((Zeroizing::new(quotient), Zeroizing::new(rest)))
}

fn remainder(a: &Number, b: &Number) -> Option<Number> {
    let divisor: &NonZero<BoxedUint> = b.as_nz_vartime()?;
    Some(Zeroizing::new(a.rem_vartime(divisor)))
}
