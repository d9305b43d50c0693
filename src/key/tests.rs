use openssl::dsa::Dsa;
use openssl::ec::Asn1Flag;
use openssl::nid::Nid;
use openssl::rsa::Rsa;

use super::*;
use crate::asn1::Value;
use crate::limits::{Reading, ReadingWork};
use crate::test_support::fixture;

/// Returns the numbers of an RSAPrivateKey after its version.
fn numbers(pkcs1: &[u8]) -> Vec<Vec<u8>> {
    let (key, _) = Value::parse(pkcs1, "test").unwrap();
    let mut fields = key.reader("test");
    fields.required("version").unwrap();
    let mut numbers = Vec::new();
    while let Some(field) = fields.try_next().unwrap() {
        numbers.push(field.content().to_vec());
    }
    numbers
}

/// Encodes an RSAPrivateKey with these numbers as they are.
fn rsa_key(numbers: &[Vec<u8>]) -> Vec<u8> {
    let mut content = vec![2, 1, 0];
    for number in numbers {
        content.extend(value(2, number));
    }
    value(0x30, &content)
}

fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

#[test]
fn rsa_keys_are_written_as_openssl_writes_them_however_they_are_encoded() {
    let canonical = fixture("key/pkcs1.der");
    let [0x30, 0x82, rest @ ..] = &canonical[..] else { panic!("the length takes two bytes") };
    let long_length = [&[0x30, 0x83, 0][..], rest].concat();
    let indefinite = [&[0x30, 0x80][..], &rest[2..], &[0, 0]].concat();
    let mut padded = numbers(&canonical);
    for number in &mut padded {
        number.insert(0, 0);
    }
    let openssl = PKey::private_key_from_der(&canonical).unwrap();
    for encoded in [&canonical, &long_length, &indefinite, &rsa_key(&padded)] {
        let key = PrivateKey::from_pkcs1(encoded).unwrap();
        assert_eq!(key.pkcs8(), openssl.private_key_to_pkcs8().unwrap());
        assert_eq!(key.public().spki, openssl.public_key_to_der().unwrap());
    }
}

#[test]
fn an_rsa_key_without_primes_is_completed() {
    for exponent in [3, 17, 65_537] {
        let exponent = BigNum::from_u32(exponent).unwrap();
        let rsa = Rsa::generate_with_e(1024, &exponent).unwrap();
        let complete = rsa.private_key_to_der().unwrap();
        let all = numbers(&complete);
        let zero = vec![0];
        for kept in [3, 5] {
            let absent = rsa_key(&all[..kept]);
            let zeros = rsa_key(&[&all[..kept], &vec![zero.clone(); 8 - kept][..]].concat());
            for incomplete in [absent, zeros] {
                let key = PrivateKey::from_pkcs1(&incomplete).unwrap();
                let written = PKey::private_key_from_pkcs8(key.pkcs8()).unwrap().rsa().unwrap();
                assert!(written.check_key().unwrap());
                assert_eq!(key.public().spki, rsa.public_key_to_der().unwrap());
            }
        }
    }
}

#[test]
fn the_private_exponent_may_be_of_either_group() {
    // OpenSSL 3 takes the inverse modulo lcm(p-1, q-1), others modulo (p-1)(q-1).
    let rsa = Rsa::generate(1024).unwrap();
    let (p, q) = (rsa.p().unwrap(), rsa.q().unwrap());
    let (mut context, mut order, mut d) =
        (BigNumContext::new().unwrap(), BigNum::new().unwrap(), BigNum::new().unwrap());
    let one = BigNum::from_u32(1).unwrap();
    order.checked_mul(&(p - &one), &(q - &one), &mut context).unwrap();
    d.mod_inverse(rsa.e(), &order, &mut context).unwrap();
    let mut all = numbers(&rsa.private_key_to_der().unwrap());
    all[2] = [&[0][..], &d.to_vec()].concat();
    let complete = PrivateKey::from_pkcs1(&rsa_key(&all)).unwrap();
    let completed = PrivateKey::from_pkcs1(&rsa_key(&all[..3])).unwrap();
    assert!(complete.is_same_key(&completed));
}

#[test]
fn an_rsa_key_whose_primes_do_not_follow_is_refused() {
    let mut all = numbers(&fixture("key/pkcs1.der"));
    all[2][9] ^= 1;
    assert_eq!(PrivateKey::from_pkcs1(&rsa_key(&all[..3])).unwrap_err(), KeyError::NoPrimes);
}

#[test]
fn no_bit_of_an_rsa_key_can_flip() {
    let rsa = Rsa::generate(512).unwrap().private_key_to_der().unwrap();
    let expected = PrivateKey::from_pkcs1(&rsa).unwrap();
    for place in 0..rsa.len() * 8 {
        let mut damaged = rsa.clone();
        damaged[place / 8] ^= 1 << (place % 8);
        if let Ok(key) = PrivateKey::from_pkcs1(&damaged) {
            // A bit of a tag or of a length may say nothing.
            assert_eq!(key.pkcs8(), expected.pkcs8(), "bit {place}");
        }
    }
    let mut all = numbers(&rsa);
    for number in 0..all.len() {
        let last = all[number].len() - 1;
        all[number][last] ^= 4;
        assert_eq!(PrivateKey::from_pkcs1(&rsa_key(&all)).unwrap_err(), KeyError::Damaged, "{number}");
        all[number][last] ^= 4;
    }
}

#[test]
fn no_bit_of_an_ec_key_can_flip() {
    let sec1 = fixture("key/sec1.der");
    PrivateKey::from_sec1(&sec1).unwrap();
    let (scalar, point) = (7, sec1.len() - 64);
    for place in (scalar..scalar + 32).chain(point..sec1.len()) {
        for bit in 0..8 {
            let mut damaged = sec1.clone();
            damaged[place] ^= 1 << bit;
            assert_eq!(PrivateKey::from_sec1(&damaged).unwrap_err(), KeyError::Damaged, "byte {place}");
        }
    }
}

#[test]
fn a_scalar_beyond_the_order_is_damage() {
    let sec1 = fixture("key/sec1.der");
    let (mut order, mut context) = (BigNum::new().unwrap(), BigNumContext::new().unwrap());
    EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap().order(&mut order, &mut context).unwrap();
    let scalar = &BigNum::from_slice(&sec1[7..39]).unwrap() + &order;
    // One more than the order has no more octets than the order.
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let one = BigNum::from_u32(1).unwrap();
    let of_one =
        EcKey::from_private_components(&group, &one, &group.generator_opt().unwrap().to_owned(&group).unwrap())
            .unwrap();
    let of_one = of_one.private_key_to_der().unwrap();
    PrivateKey::from_sec1(&of_one).unwrap();
    for (sec1, scalar) in [(&sec1, scalar), (&of_one, &order + &one)] {
        let fields = [&[2, 1, 1][..], &value(4, &scalar.to_vec()), &sec1[39..]].concat();
        let larger = value(0x30, &fields);
        let algorithm =
            [0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let pkcs8 = value(0x30, &[&[2, 1, 0], &algorithm[..], &value(4, &larger)].concat());
        assert_eq!(PrivateKey::from_sec1(&larger).unwrap_err(), KeyError::Damaged);
        assert_eq!(PrivateKey::from_pkcs8(&pkcs8).unwrap_err(), KeyError::Damaged);
    }
}

#[test]
fn the_public_half_in_a_key_is_that_key() {
    for key in [PKey::generate_ed25519().unwrap(), PKey::generate_ed448().unwrap()] {
        let pkcs8 = key.private_key_to_pkcs8().unwrap();
        let mut fields = pkcs8[5..].to_vec();
        let public = key.raw_public_key().unwrap();
        fields.extend([0x81, u8::try_from(public.len()).unwrap() + 1, 0]);
        fields.extend(&public);
        let with_public = |fields: &[u8]| value(0x30, &[&[2, 1, 1][..], fields].concat());
        let read = PrivateKey::from_pkcs8(&with_public(&fields)).unwrap();
        assert_eq!(read.public().spki, key.public_key_to_der().unwrap());
        *fields.last_mut().unwrap() ^= 1;
        assert_eq!(PrivateKey::from_pkcs8(&with_public(&fields)).unwrap_err(), KeyError::Damaged);
    }
}

#[test]
fn an_ec_key_is_the_same_in_every_form() {
    let prime = [Nid::X9_62_PRIME256V1, Nid::SECP384R1, Nid::SECP521R1, Nid::SECP256K1, Nid::BRAINPOOL_P256R1];
    for curve in [&prime[..], &[Nid::SECT283R1, Nid::SECP160R1]].concat() {
        let mut group = EcGroup::from_curve_name(curve).unwrap();
        let key = EcKey::generate(&group).unwrap();
        let plain = PKey::from_ec_key(key.clone()).unwrap();
        let expected = PrivateKey::from_pkcs8(&plain.private_key_to_pkcs8().unwrap()).unwrap();
        assert_eq!(expected.pkcs8(), plain.private_key_to_pkcs8().unwrap());
        let mut context = BigNumContext::new().unwrap();
        let algorithm = SubjectPublicKeyInfoRef::from_der(&expected.public().spki).unwrap().algorithm;
        let mut forms = Vec::new();
        for form in [PointConversionForm::COMPRESSED, PointConversionForm::HYBRID] {
            let point = key.public_key().to_bytes(&group, form, &mut context).unwrap();
            forms.push(PublicKey::parse(spki(algorithm, &point).unwrap()).unwrap());
        }
        group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
        let explicit = EcKey::from_private_components(&group, key.private_key(), key.public_key()).unwrap();
        let explicit = PKey::from_ec_key(explicit).unwrap();
        forms.push(PublicKey::parse(explicit.public_key_to_der().unwrap()).unwrap());
        for form in forms {
            assert_ne!(form.spki, expected.public().spki);
            assert_eq!(form.identity(), expected.public().identity());
            assert!(form.is_same_key(expected.public()));
            assert_eq!(form.algorithm, expected.public().algorithm);
        }
        let read = PrivateKey::from_pkcs8(&explicit.private_key_to_pkcs8().unwrap()).unwrap();
        assert_eq!(read.pkcs8(), expected.pkcs8());
    }
}

#[test]
fn a_point_off_its_curve_is_not_the_key() {
    let key = PrivateKey::from_sec1(&fixture("key/sec1.der")).unwrap();
    let mut spki = key.public().spki.clone();
    let middle = spki.len() - 9;
    spki[middle] ^= 1;
    assert!(!PublicKey::parse(spki).unwrap().is_same_key(key.public()));
}

#[test]
fn another_generator_is_another_curve() {
    // The parameters of P-256 but for the generator, which is the point itself: then 1 is its private key.
    let (named, mut context) =
        (EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap(), BigNumContext::new().unwrap());
    let victim = EcKey::generate(&named).unwrap();
    let (mut p, mut a, mut b) = (BigNum::new().unwrap(), BigNum::new().unwrap(), BigNum::new().unwrap());
    named.components_gfp(&mut p, &mut a, &mut b, &mut context).unwrap();
    let (mut order, one) = (BigNum::new().unwrap(), BigNum::from_u32(1).unwrap());
    named.order(&mut order, &mut context).unwrap();
    let mut group = EcGroup::from_components(p, a, b, &mut context).unwrap();
    let point = victim.public_key().to_bytes(&named, PointConversionForm::UNCOMPRESSED, &mut context).unwrap();
    let point = EcPoint::from_bytes(&group, &point, &mut context).unwrap();
    let generator = point.to_owned(&group).unwrap();
    group.set_generator(generator, order, one.to_owned().unwrap()).unwrap();
    group.set_asn1_flag(Asn1Flag::EXPLICIT_CURVE);
    let forged = PKey::from_ec_key(EcKey::from_private_components(&group, &one, &point).unwrap()).unwrap();
    let forged_public = PublicKey::parse(forged.public_key_to_der().unwrap()).unwrap();
    let victim = PKey::from_ec_key(victim).unwrap();
    let victim = PrivateKey::from_pkcs8(&victim.private_key_to_pkcs8().unwrap()).unwrap();
    assert!(!forged_public.is_same_key(victim.public()));
    let error = PrivateKey::from_pkcs8(&forged.private_key_to_pkcs8().unwrap()).unwrap_err();
    assert!(matches!(error, KeyError::Unsupported(_)), "{error}");
}

#[test]
fn an_rsa_key_restricted_to_pss_is_another_key() {
    const PSS: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 10, 0x30, 0];
    let pkcs1 = fixture("key/pkcs1.der");
    let plain = PrivateKey::from_pkcs1(&pkcs1).unwrap();
    for algorithm in [&PSS[..], &[&[0x30, 11], &PSS[2..13]].concat()] {
        let pkcs8 = value(0x30, &[&[2, 1, 0], algorithm, &value(4, &pkcs1)].concat());
        let key = PrivateKey::from_pkcs8(&pkcs8).unwrap();
        assert_eq!(key.public().kind().algorithm, "RSA-PSS");
        assert!(!key.is_same_key(&plain));
        assert_eq!(PKey::private_key_from_pkcs8(key.pkcs8()).unwrap().id(), Id::RSA_PSS);
        assert_eq!(key.public().bits, 2048);
    }
    let other = value(0x30, &[&plain.public().spki[4..4 + 13], &plain.public().spki[4 + 15..]].concat());
    let without_null = PublicKey::parse([&other[..4], &[0x30, 11], &other[6..]].concat()).unwrap();
    assert_ne!(without_null.spki, plain.public().spki);
    assert!(without_null.is_same_key(plain.public()));
}

#[test]
fn an_inverse_that_is_not_reduced_is_damage() {
    let rsa = openssl::rsa::Rsa::private_key_from_der(&fixture("key/pkcs1.der")).unwrap();
    let part = |number: &openssl::bn::BigNumRef| value(2, &[&[0][..], &number.to_vec()].concat());
    let mut numbers = vec![value(2, &[0]), part(rsa.n()), part(rsa.e()), part(rsa.d())];
    for number in [rsa.p(), rsa.q(), rsa.dmp1(), rsa.dmq1()] {
        numbers.push(part(number.unwrap()));
    }
    let inverse = rsa.iqmp().unwrap();
    let good = value(0x30, &[numbers.concat(), part(inverse)].concat());
    assert!(PrivateKey::from_pkcs1(&good).is_ok());
    let sum = inverse + rsa.p().unwrap();
    let error = PrivateKey::from_pkcs1(&value(0x30, &[numbers.concat(), part(&sum)].concat())).unwrap_err();
    assert!(matches!(error, KeyError::Damaged), "{error}");
}

#[test]
fn a_dsa_key_is_read_and_checked() {
    let dsa = PKey::from_dsa(Dsa::generate(1024).unwrap()).unwrap();
    let key = PrivateKey::from_pkcs8(&dsa.private_key_to_pkcs8().unwrap()).unwrap();
    assert_eq!((key.public().algorithm.as_str(), key.public().bits), ("DSA", 1024));
}

/// A number of so many bits, all set.
fn number(bits: usize) -> Vec<u8> {
    value(2, &[&[0][..], &vec![0xff; bits / 8]].concat())
}

const DSA: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const DH: [u8; 11] = [6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 3, 1];
const X942_DH: [u8; 9] = [6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3e, 2, 1];

/// A key whose public half is to be computed, with a prime and an exponent of so many bits.
fn key_of(algorithm: &[u8], bits: usize) -> Vec<u8> {
    let parameters = value(0x30, &[number(bits), number(256), number(bits - 8)].concat());
    let algorithm = value(0x30, &[algorithm, &parameters].concat());
    value(0x30, &[&[2, 1, 0][..], &algorithm, &value(4, &number(bits - 8))].concat())
}

#[test]
fn a_key_that_takes_long_to_check_is_not_begun() {
    let limit = |result: Result<PrivateKey, KeyError>| match result {
        Err(KeyError::Limit(LimitError::Arithmetic)) => true,
        Ok(_) | Err(_) => false,
    };
    let _reading = Reading::begin(ReadingWork::new(0, 5));
    assert!(limit(PrivateKey::from_pkcs8(&key_of(&DSA, 4096))));
    let numbers = [vec![2, 1, 0], number(4096), number(256), number(4088), number(4088), number(4088)].concat();
    let own_form = value(0x30, &numbers);
    assert!(limit(PrivateKey::from_sec1(&own_form)));
    assert!(limit(PrivateKey::from_sec1(&key_of(&DSA, 4096))));
    // It is read and counted, and its primes are not searched.
    let numbers = [vec![2, 1, 0], number(8192), number(64), number(8184)].concat();
    assert!(limit(PrivateKey::from_pkcs1(&value(0x30, &numbers))));
    let large = EcKey::generate(&EcGroup::from_curve_name(Nid::SECT571R1).unwrap()).unwrap();
    assert!(limit(PrivateKey::from_sec1(&large.private_key_to_der().unwrap())));
    let large = PKey::from_ec_key(large).unwrap().private_key_to_pkcs8().unwrap();
    assert!(limit(PrivateKey::from_pkcs8(&large)));
    // What is usual counts as one.
    for _ in 0..2 {
        PrivateKey::from_sec1(&fixture("key/sec1.der")).unwrap();
        PrivateKey::from_pkcs8(&fixture("key/pkcs8.der")).unwrap();
    }
    assert!(limit(PrivateKey::from_sec1(&fixture("key/sec1.der"))));
}

#[test]
fn keys_that_sign_nothing_and_huge_ones_are_named() {
    for (algorithm, bits, name) in [
        (&DSA[..], 65_536, "DSA with more than 10000 bits"),
        (&DH, 512, "DH"),
        (&DH, 65_536, "DH"),
        (&X942_DH, 65_536, "X9.42 DH"),
    ] {
        let error = PrivateKey::from_pkcs8(&key_of(algorithm, bits)).unwrap_err();
        assert_eq!(error, KeyError::Unsupported(name.to_owned()));
    }
}

#[test]
fn a_kind_that_is_not_supported_is_named() {
    let pkcs8 = |algorithm: &[u8]| value(0x30, &[&[2, 1, 0], algorithm, &[4, 2, 4, 0]].concat());
    let gost = pkcs8(&[0x30, 10, 6, 8, 0x2a, 0x85, 3, 7, 1, 1, 1, 1]);
    assert_eq!(PrivateKey::from_pkcs8(&gost).unwrap_err(), KeyError::Unsupported("1.2.643.7.1.1.1.1".to_owned()));
    let ed25519 = pkcs8(&[0x30, 5, 6, 3, 0x2b, 0x65, 0x70]);
    assert_eq!(PrivateKey::from_pkcs8(&ed25519).unwrap_err(), KeyError::Damaged);
}

#[test]
fn a_key_on_a_curve_that_its_header_does_not_name_is_called_that() {
    let sec1 = fixture("key/sec1.der");
    for parameters in [&[][..], b"\x05\x00"] {
        let algorithm = [b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", parameters].concat();
        let der = yasna::construct_der(|writer| {
            writer.write_sequence(|writer| {
                writer.next().write_u8(0);
                writer.next().write_sequence(|writer| writer.next().write_der(&algorithm));
                writer.next().write_bytes(&sec1);
            });
        });
        let error = PrivateKey::from_pkcs8(&der).unwrap_err();
        assert!(error.to_string().contains("EC that does not say its curve"), "{error}");
    }
}
