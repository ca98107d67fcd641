//! Held to published points, to mcl's own vector, to a second library (`bls12_381`) and to the laws.

use ::bls12_381 as second;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use ark_bls12_381::{Fq2, G2Affine};
use proptest::prelude::*;

use super::*;

/// The field element with this big-endian integer in hex.
fn fp(text: &str) -> Fp {
    int_to_fp(&bytes_of(text)).expect("below p")
}

fn fr(integer: u64) -> Fr {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&integer.to_be_bytes());
    int_to_fr(&bytes).expect("below r")
}

fn small(integer: u64) -> Fp {
    fp(&format!("{integer:096x}"))
}

fn bytes_of<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text).expect("hex in a test").try_into().expect("length in a test")
}

fn g1(x: &str, y: &str) -> G1 {
    [fp(x), fp(y), small(1)]
}

fn g2(x: [&str; 2], y: [&str; 2]) -> G2 {
    [x.map(fp), y.map(fp), [small(1), small(0)]]
}

/// The generators that the pairing-friendly-curves draft and EIP-2537 name.
fn generators() -> (G1, G2) {
    let one = g1(
        "17f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb",
        "08b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1",
    );
    let two = g2(
        [
            "024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8",
            "13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e",
        ],
        [
            "0ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801",
            "0606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be",
        ],
    );
    (one, two)
}

const ZERO_G1: G1 = [[0; 48]; 3];
const ZERO_G2: G2 = [[[0; 48]; 2]; 3];

/// A point of the second curve outside the subgroup: the first one with a small x.
fn stray_g2() -> G2 {
    let x = (1u64..100).map(Fq2::from).find(|x| G2Affine::get_point_from_x_unchecked(*x, false).is_some());
    let point = x.and_then(|x| G2Affine::get_point_from_x_unchecked(x, false)).expect("half of all x have a point");
    [group::bytes_of_fp2(point.x), group::bytes_of_fp2(point.y), [small(1), small(0)]]
}

#[test]
fn elements_are_in_montgomery_form_least_significant_byte_first() {
    // 2^256 mod r and 2^384 mod p, big-endian.
    let (mut r, mut p) = (fr(1), small(1));
    r.reverse();
    p.reverse();
    assert_eq!(hex::encode(r), "1824b159acc5056f998c4fefecbc4ff55884b7fa0003480200000001fffffffe");
    assert_eq!(
        hex::encode(p),
        "15f65ec3fa80e4935c071a97a256ec6d77ce5853705257455f48985753c758baebf4000bc40c0002760900000002fffd"
    );
}

#[test]
fn integers_have_elements_below_the_reference_s_bounds() {
    let r: [u8; 32] = bytes_of("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");
    for (last, accepted) in [(1, false), (0, false)] {
        let mut integer = r;
        integer[31] = last;
        assert_eq!(int_to_fr(&integer).is_some(), accepted, "…{last:02x}");
    }
    let below: [u8; 32] = bytes_of("73eda753299d7d483339d80809a1d80553bda402fffe5bfefffffffeffffffff");
    assert_eq!(int_to_fr(&below).map(|element| fr_to_int(&element)), Some(Ok(below)));
    let mut p: [u8; 48] =
        bytes_of("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab");
    assert_eq!(int_to_fp(&p), None);
    p[47] -= 1;
    assert_eq!(int_to_fp(&p).map(|element| fp_to_int(&element)), Some(Ok(p)));
    assert_eq!((int_to_fr(&[0xff; 32]), int_to_fp(&[0xff; 48])), (None, None));
}

#[test]
fn what_is_not_below_its_modulus_is_malformed_everywhere() {
    let bad = [0xff; 48];
    let (one, two) = generators();
    let third = pairing(&one, &two).expect("two points");
    let fault = Malformed::Element;
    assert_eq!((fr_to_int(&[0xff; 32]), fp_to_int(&bad)), (Err(fault), Err(fault)));
    for at in 0..3 {
        let mut point = one;
        point[at] = bad;
        let groups =
            [g1_neg(&point), g1_norm(&point), g1_add(&one, &point), g1_add(&point, &one), g1_mul(&fr(2), &point)];
        assert_eq!(groups, [Err(fault); 5]);
        assert_eq!((g1_valid(&point), g1_is_zero(&point)), (Err(fault), Err(fault)));
        assert_eq!((pairing(&point, &two), miller_loop(&point, &two)), (Err(fault), Err(fault)));
        let mut point = two;
        point[at][1] = bad;
        let groups =
            [g2_neg(&point), g2_norm(&point), g2_add(&two, &point), g2_add(&point, &two), g2_mul(&fr(2), &point)];
        assert_eq!(groups, [Err(fault); 5]);
        assert_eq!((g2_valid(&point), g2_is_zero(&point)), (Err(fault), Err(fault)));
        assert_eq!((pairing(&one, &point), miller_loop(&one, &point)), (Err(fault), Err(fault)));
    }
    assert_eq!((g1_mul(&[0xff; 32], &one), g2_mul(&[0xff; 32], &two)), (Err(fault), Err(fault)));
    assert_eq!(gt_pow(&third, &[0xff; 32]), Err(fault));
    for at in 0..12 {
        let mut element = third;
        element[at] = bad;
        let results = [gt_inv(&element), gt_add(&third, &element), gt_mul(&element, &third), final_exp(&element)];
        assert_eq!(results, [Err(fault); 4]);
        assert_eq!((gt_pow(&element, &fr(1)), gt_is_one(&element)), (Err(fault), Err(fault)));
    }
}

#[test]
fn published_points_are_valid() {
    // RFC 9380, J.9.1 and J.10.1, the empty message.
    let one = g1(
        "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4e8cf62d9c09db0fac349612b759e79a1",
        "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc68ee29813bb7994998f3eae0c9c6a265",
    );
    let two = g2(
        [
            "0141ebfbdca40eb85b87142e130ab689c673cf60f1a3e98d69335266f30d9b8d4ac44c1038e9dcdd5393faf5c41fb78a",
            "05cb8437535e20ecffaef7752baddf98034139c38452458baeefab379ba13dff5bf5dd71b72418717047f5b0f37da03d",
        ],
        [
            "0503921d7f6a12805e72940b963c0cf3471c7b2a524950ca195d11062ee75ec076daf2d4bc358c4b190c0c98064fdd92",
            "12424ac32561493f3fe3c260708a12b7c620e7be00099a974e259ddc7d1f6395c3c811cdd19f1e8dbf3e9ecfdcbab8d6",
        ],
    );
    for (one, two) in [(one, two), generators(), (ZERO_G1, ZERO_G2)] {
        assert_eq!((g1_valid(&one), g2_valid(&two)), (Ok(true), Ok(true)));
    }
}

#[test]
fn sums_are_those_of_eip_2537() {
    // add_G1_bls.json, "bls_g1add_g1+p1"; add_G2_bls.json, "bls_g2add_g2+p2".
    let (one, two) = generators();
    let p1 = g1(
        "112b98340eee2777cc3c14163dea3ec97977ac3dc5c70da32e6e87578f44912e902ccef9efe28d4a78b8999dfbca9426",
        "186b28d92356c4dfec4b5201ad099dbdede3781f8998ddf929b4cd7756192185ca7b8f4ef7088f813270ac3d48868a21",
    );
    let sum = g1(
        "0a40300ce2dec9888b60690e9a41d3004fda4886854573974fab73b046d3147ba5b7a5bde85279ffede1b45b3918d82d",
        "06d3d887e9f53b9ec4eb6cedf5607226754b07c01ace7834f57f3e7315faefb739e59018e22c492006190fba4a870025",
    );
    assert_eq!(g1_add(&one, &p1), Ok(sum));
    let p2 = g2(
        [
            "103121a2ceaae586d240843a398967325f8eb5a93e8fea99b62b9f88d8556c80dd726a4b30e84a36eeabaf3592937f27",
            "086b990f3da2aeac0a36143b7d7c824428215140db1bb859338764cb58458f081d92664f9053b50b3fbd2e4723121b68",
        ],
        [
            "0f9e7ba9a86a8f7624aa2b42dcc8772e1af4ae115685e60abc2c9b90242167acef3d0be4050bf935eed7c3b6fc7ba77e",
            "0d22c3652d0dc6f0fc9316e14268477c2049ef772e852108d269d9c38dba1d4802e8dae479818184c08f9a569d878451",
        ],
    );
    let sum = g2(
        [
            "0b54a8a7b08bd6827ed9a797de216b8c9057b3a9ca93e2f88e7f04f19accc42da90d883632b9ca4dc38d013f71ede4db",
            "077eba4eecf0bd764dce8ed5f45040dd8f3b3427cb35230509482c14651713282946306247866dfe39a8e33016fcbe52",
        ],
        [
            "14e60a76a29ef85cbd69f251b9f29147b67cfe3ed2823d3f9776b3a0efd2731941d47436dc6d2b58d9e65f8438bad073",
            "1586c3c910d95754fef7a732df78e279c3d37431c6a2b77e67a00c7c130a8fcd4d19f159cbeb997a178108fffffcbd20",
        ],
    );
    assert_eq!(g2_add(&two, &p2), Ok(sum));
}

#[test]
fn the_final_exponentiation_is_mcl_s() {
    // mcl, test/bls12_test.cpp, `finalExp`: e0 and e1, twelve elements each in our order.
    let [before, after] = [
        [
            "012974491575e232199b73b30fe53ff643feae11023bca7af961c3600b45dfecfe4b30d52a62e73da4c0409810304997",
            "05ce2fb890fe65e20ec36347190ecb4884e401a64b666557b53e561f6d0979b7a96ad9e647ed78bd47187195c00f563c",
            "02e85d1e559488603a70fee99354da8847215ec97282ca230de96fed6dd5d4dd4ef4d901db7f544a1a45ebeba1450109",
            "048fb1e44ddabf18d55c95704158a24678aa2a6ed0844108762e88306e5880e8c67bf44e24e40ab3f93d9e3713170341",
            "07ef7be685dc0dba1b3e1d2e9090cd98ead1325b60881772f17077386a3182b117f5fd839363f5891d08e82b88ec6f12",
            "17803435700ef7a16c06404c6d17eb4fd84079fe9872207302a36c791b6e90447b33d703bbfe04ecb641c3a573e2cd50",
            "19a494e6a872e46fc85d09fd6d30844b6ff05729bc253a9640f7be64aaa8c2c8e0ae014a9dd816c53a3edebb2fa649eb",
            "020949abaa14f1dce17fa9e091dda963e9e492ba788e12b9b610e80a4d94db9cc50341ed107c7d50e5738052595d4a27",
            "09e217b513b3603723dac3188a2f7cbdd84a56e7e5004446e7d4c63d6e378da26e411c10898e48db4b0c065e4699a9c5",
            "12393bd23d0ec122082a1ec892a982f3c9afd14240ce85258d8a3ef0a13cb545d6ef7848fd40dd4aef1554341c5c5bbf",
            "07ea8a0d6a57c78e5663f94e2b1abc0d760ed18dba64305ead5ee350fb0342a7a81c0d5c8b3ad826d009276b0f32d2c8",
            "16804d0d4a2633ed01568b0f8f06c4497e46e88d05fd191aae530aca791d0e114d74874fa88e33faf48757153b09bb0e",
        ],
        [
            "0e05d19e90d2c501e5502c7ac80d77201c47df147dd1076440f0df0179df9802ca0775e0e73dd9174f1094d2280787b3",
            "14d2f5c84279e7177a3543fbeae261de8f6c97efd5f3ff3f959ec9fc0303f620a4b3af00df409496cecaddd0a7f0a164",
            "1414e9b9df8df1eac2e70d5538018377788c62016a54f28b037a68740705089ae431b86756f98cbe19690a5eac0c2466",
            "12d8b32157836a131cca3ca313daaaf909bc3ad6bdd15885bb429922b9cd7d1246d1163e5e6f88d68bf1b75e451efabb",
            "102c9a839a924e0d603d13f2e08a919e0b9ee2a269fc75727ba13d66027c157b9bb4077977fa94557de4427bf11b234b",
            "19dbeb7f2e3096affd44837655bd8249741b484b0eb0dbee569dea8d9e38ae09d210c8bc16aa6dfbc923095b2c9a8b2b",
            "19b9a6dccd01fa0d04d5ce94d8bdce1df64afeb7fd493b955180a5c6b236e469f0e07cc9bb4203fcac46ae6f8e5419d6",
            "02bfa87af7a3726a7abacdcfdd53694af651554f3a431ab4274f67d5dad2d6c88af794705ff456a936c83594731ad8dc",
            "0f21e0173e3b50dd98efa815b410631a57399b451fd6e1056ffd09c9fe50efad3d026f0c46c8bb1583a50b7853d990da",
            "02230237ae04b61f9269f6e7cd2fcf1231cee4690aa658b0018efc0d0770fd0a56b3b7294086e8d306b1465cddd858cd",
            "087eb8f6547015661e9cd48d6525c808636fcb8420b867cb2a87e006b2a93bbd5ef675e6cdda9e6f94519c49ea8bb689",
            "19f5c988b2dd6e33d7d3d34efb1991f80dc28006ac75e0ab53fd98fc6f2476d05dd4eca582f5ff72b8ddd9ddde80ffc9",
        ],
    ]
    .map(|rows| rows.map(fp));
    assert_eq!(final_exp(&before), Ok(after));
    assert_eq!(final_exp(&[[0; 48]; 12]), Err(Malformed::Zero));
}

#[test]
fn the_pairing_of_the_generators_is_mcl_s() {
    // mcl, test/bls12_test.cpp, the value `e` of the curve BLS12_381.
    let expected = [
        "1250ebd871fc0a92a7b2d83168d0d727272d441befa15c503dd8e90ce98db3e7b6d194f60839c508a84305aaca1789b6",
        "089a1c5b46e5110b86750ec6a532348868a84045483c92b7af5af689452eafabf1a8943e50439f1d59882a98eaa0170f",
        "1368bb445c7c2d209703f239689ce34c0378a68e72a6b3b216da0e22a5031b54ddff57309396b38c881c4c849ec23e87",
        "193502b86edb8857c273fa075a50512937e0794e1e65a7617c90d8bd66065b1fffe51d7a579973b1315021ec3c19934f",
        "01b2f522473d171391125ba84dc4007cfbf2f8da752f7c74185203fcca589ac719c34dffbbaad8431dad1c1fb597aaa5",
        "018107154f25a764bd3c79937a45b84546da634b8f6be14a8061e55cceba478b23f7dacaa35c8ca78beae9624045b4b6",
        "19f26337d205fb469cd6bd15c3d5a04dc88784fbb3d0b2dbdea54d43b2b73f2cbb12d58386a8703e0f948226e47ee89d",
        "06fba23eb7c5af0d9f80940ca771b6ffd5857baaf222eb95a7d2809d61bfe02e1bfd1b68ff02f0b8102ae1c2d5d5ab1a",
        "11b8b424cd48bf38fcef68083b0b0ec5c81a93b330ee1a677d0d15ff7b984e8978ef48881e32fac91b93b47333e2ba57",
        "03350f55a7aefcd3c31b4fcb6ce5771cc6a0e9786ab5973320c806ad360829107ba810c5a09ffdd9be2291a0c25a99a2",
        "04c581234d086a9902249b64728ffd21a189e87935a954051c7cdba7b3872629a4fafc05066245cb9108f0242d0fe3ef",
        "0f41e58663bf08cf068672cbd01a7ec73baca4d72ca93544deff686bfd6df543d48eaa24afe47e1efde449383b676631",
    ];
    let (one, two) = generators();
    assert_eq!(pairing(&one, &two), Ok(expected.map(fp)));
    assert_eq!(miller_loop(&one, &two).and_then(|element| final_exp(&element)), pairing(&one, &two));
}

#[test]
fn zero_is_any_point_with_z_zero() {
    let (one, two) = generators();
    let (odd_one, odd_two): (G1, G2) =
        ([small(5), small(7), small(0)], [[small(5), small(1)], [small(7), small(0)], [small(0), small(0)]]);
    for (zero_one, zero_two) in [(ZERO_G1, ZERO_G2), (odd_one, odd_two)] {
        assert_eq!((g1_is_zero(&zero_one), g2_is_zero(&zero_two)), (Ok(true), Ok(true)));
        assert_eq!((g1_neg(&zero_one), g2_neg(&zero_two)), (Ok(ZERO_G1), Ok(ZERO_G2)));
        assert_eq!((g1_norm(&zero_one), g2_norm(&zero_two)), (Ok(zero_one), Ok(zero_two)));
        assert_eq!((g1_add(&one, &zero_one), g2_add(&zero_two, &two)), (Ok(one), Ok(two)));
        assert_eq!((g1_mul(&fr(3), &zero_one), g2_mul(&fr(3), &zero_two)), (Ok(ZERO_G1), Ok(ZERO_G2)));
        for nothing in [pairing(&zero_one, &two), pairing(&one, &zero_two), miller_loop(&zero_one, &zero_two)] {
            assert_eq!(nothing.and_then(|element| gt_is_one(&element)), Ok(true));
        }
    }
    // The equation alone says no to these coordinates, as mcl does.
    assert_eq!((g1_valid(&odd_one), g2_valid(&odd_two)), (Ok(false), Ok(false)));
    assert_eq!((g1_is_zero(&one), g2_is_zero(&two)), (Ok(false), Ok(false)));
}

#[test]
fn a_point_and_its_negative_sum_to_zero() {
    let (one, two) = generators();
    assert_eq!(g1_neg(&one).and_then(|minus| g1_add(&one, &minus)), Ok(ZERO_G1));
    assert_eq!(g2_neg(&two).and_then(|minus| g2_add(&minus, &two)), Ok(ZERO_G2));
    assert_eq!((g1_add(&one, &one), g2_add(&two, &two)), (g1_mul(&fr(2), &one), g2_mul(&fr(2), &two)));
    assert_eq!((g1_mul(&fr(0), &one), g2_mul(&fr(0), &two)), (Ok(ZERO_G1), Ok(ZERO_G2)));
}

#[test]
fn points_off_their_curve_are_malformed_where_they_are_computed_with() {
    let (one, two) = generators();
    let (off_one, off_two): (G1, G2) = ([one[0], one[0], one[2]], [two[0], two[0], two[2]]);
    let fault = Malformed::Point;
    assert_eq!((g1_valid(&off_one), g2_valid(&off_two)), (Ok(false), Ok(false)));
    assert_eq!([g1_add(&off_one, &one), g1_add(&one, &off_one), g1_mul(&fr(1), &off_one)], [Err(fault); 3]);
    assert_eq!([g2_add(&off_two, &two), g2_add(&two, &off_two), g2_mul(&fr(1), &off_two)], [Err(fault); 3]);
    assert_eq!([pairing(&off_one, &two), pairing(&one, &off_two)], [Err(fault); 2]);
    assert_eq!([miller_loop(&off_one, &two), miller_loop(&one, &off_two)], [Err(fault); 2]);
    assert!(
        g1_neg(&off_one).is_ok() && g1_norm(&off_one).is_ok() && g2_neg(&off_two).is_ok() && g2_norm(&off_two).is_ok()
    );
}

#[test]
fn points_outside_the_subgroup_are_not_valid_but_have_multiples() {
    // 0² + 4 = 2²: a point of order 3.
    let (stray, stray_two) = ([small(0), small(2), small(1)], stray_g2());
    assert_eq!((g1_valid(&stray), g2_valid(&stray_two)), (Ok(false), Ok(false)));
    assert_eq!(g1_mul(&fr(3), &stray), Ok(ZERO_G1));
    assert_eq!(g1_mul(&fr(4), &stray), Ok(stray));
    let triple = g2_add(&stray_two, &stray_two).and_then(|double| g2_add(&double, &stray_two));
    assert_eq!(g2_mul(&fr(3), &stray_two), triple);
    let (one, two) = generators();
    assert!(pairing(&stray, &two).is_ok() && pairing(&one, &stray_two).is_ok());
}

/// The point in the second library's hands: big-endian x and y.
fn second_g1([x, y, _]: &G1) -> second::G1Affine {
    let mut bytes = [0; 96];
    bytes[..48].copy_from_slice(&fp_to_int(x).expect("ours"));
    bytes[48..].copy_from_slice(&fp_to_int(y).expect("ours"));
    second::G1Affine::from_uncompressed(&bytes).expect("a point of the subgroup")
}

/// The point in the second library's hands: big-endian, imaginary parts first.
fn second_g2([x, y, _]: &G2) -> second::G2Affine {
    let mut bytes = [0; 192];
    for (chunk, element) in bytes.as_chunks_mut::<48>().0.iter_mut().zip([x[1], x[0], y[1], y[0]]) {
        *chunk = fp_to_int(&element).expect("ours");
    }
    second::G2Affine::from_uncompressed(&bytes).expect("a point of the subgroup")
}

fn second_fr(element: &Fr) -> second::Scalar {
    let mut bytes = fr_to_int(element).expect("ours");
    bytes.reverse();
    second::Scalar::from_bytes(&bytes).expect("below r")
}

/// The second library shows the twelve elements of a pairing only in its debug print.
fn second_gt(element: &second::Gt) -> Gt {
    let text: String = format!("{element:?}");
    let parts: Vec<Fp> = text.split("0x").skip(1).map(|part| fp(&part[..96])).collect();
    parts.try_into().expect("twelve elements")
}

/// Any scalar of the field but the last.
fn scalars() -> impl Strategy<Value = Fr> {
    any::<[u8; 32]>().prop_map(|mut integer| {
        integer[0] &= 0x3f;
        int_to_fr(&integer).expect("254 bits are below r")
    })
}

/// The same point with another z.
fn scaled_g1(&[x, y, _]: &G1, z: u64) -> G1 {
    let [x, y, z]: [Fq; 3] = [parse(&x).expect("ours"), parse(&y).expect("ours"), z.into()];
    [bytes(&(x * z * z)), bytes(&(y * z * z * z)), bytes(&z)]
}

/// The same point with another z.
fn scaled_g2(&[x, y, _]: &G2, z: [u64; 2]) -> G2 {
    let z = Fq2::new(z[0].into(), z[1].into());
    let [x, y] = [x, y].map(|element| group::parse_fp2(&element).expect("ours"));
    [x * z * z, y * z * z * z, z].map(group::bytes_of_fp2)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn integers_round_trip(integer in any::<[u8; 32]>()) {
        if let Some(element) = int_to_fr(&integer) {
            prop_assert_eq!(fr_to_int(&element), Ok(integer));
        }
        let mut wide = [0; 48];
        wide[16..].copy_from_slice(&integer);
        prop_assert_eq!(int_to_fp(&wide).map(|element| fp_to_int(&element)), Some(Ok(wide)));
    }

    #[test]
    fn points_agree_with_a_second_library(a in scalars(), b in scalars()) {
        let (one, two) = generators();
        let ones = [a, b].map(|k| g1_mul(&k, &one).expect("a point"));
        let twos = [a, b].map(|k| g2_mul(&k, &two).expect("a point"));
        let (k, l) = (second_fr(&a), second_fr(&b));
        let (their_one, their_two) = (second::G1Affine::generator(), second::G2Affine::generator());
        prop_assert_eq!(second_g1(&ones[0]), (their_one * k).into());
        prop_assert_eq!(second_g2(&twos[0]), (their_two * k).into());
        let sums = (g1_add(&ones[0], &ones[1]).expect("points"), g2_add(&twos[0], &twos[1]).expect("points"));
        prop_assert_eq!(second_g1(&sums.0), (their_one * (k + l)).into());
        prop_assert_eq!(second_g2(&sums.1), (their_two * (k + l)).into());
        prop_assert_eq!((g1_valid(&sums.0), g2_valid(&sums.1)), (Ok(true), Ok(true)));
    }

    #[test]
    fn pairings_agree_with_a_second_library(a in scalars(), b in scalars()) {
        let (one, two) = generators();
        let (one, two) = (g1_mul(&a, &one).expect("a point"), g2_mul(&b, &two).expect("a point"));
        let theirs = second::pairing(&second_g1(&one), &second_g2(&two));
        prop_assert_eq!(pairing(&one, &two), Ok(second_gt(&theirs)));
    }

    #[test]
    fn pairings_are_bilinear_and_gt_is_a_group(a in scalars(), b in scalars()) {
        let (one, two) = generators();
        let base = pairing(&one, &two).expect("points");
        let [of_a, of_b] = [a, b].map(|k| gt_pow(&base, &k).expect("an element"));
        prop_assert_eq!(pairing(&g1_mul(&a, &one).expect("a point"), &two), Ok(of_a));
        prop_assert_eq!(pairing(&one, &g2_mul(&b, &two).expect("a point")), Ok(of_b));
        prop_assert_eq!(gt_pow(&of_a, &b), gt_pow(&of_b, &a));
        let inverse = gt_inv(&of_a).expect("an element");
        prop_assert_eq!(gt_mul(&of_a, &inverse).and_then(|element| gt_is_one(&element)), Ok(true));
        prop_assert_eq!(gt_is_one(&base), Ok(false));
        prop_assert_eq!(pairing(&g1_neg(&one).expect("a point"), &two), gt_inv(&base));
        prop_assert_eq!(gt_add(&of_a, &of_b), gt_add(&of_b, &of_a));
        // Products of Miller loops may share one final exponentiation.
        let loops = [(a, one), (b, one)].map(|(k, point)| {
            miller_loop(&g1_mul(&k, &point).expect("a point"), &two).expect("points")
        });
        let product = gt_mul(&loops[0], &loops[1]).and_then(|product| final_exp(&product));
        prop_assert_eq!(product, gt_mul(&of_a, &of_b));
    }

    #[test]
    fn results_depend_on_the_point_and_not_on_its_z(a in scalars(), z in 1..u64::MAX, w: u64) {
        let (one, two) = generators();
        let (one, two) = (g1_mul(&a, &one).expect("a point"), g2_mul(&a, &two).expect("a point"));
        let (other_one, other_two) = (scaled_g1(&one, z), scaled_g2(&two, [z, w]));
        prop_assert_eq!((g1_norm(&other_one), g2_norm(&other_two)), (Ok(one), Ok(two)));
        prop_assert_eq!((g1_valid(&other_one), g2_valid(&other_two)), (Ok(true), Ok(true)));
        prop_assert_eq!(g1_add(&other_one, &one), g1_mul(&fr(2), &one));
        prop_assert_eq!(g2_mul(&fr(2), &other_two), g2_add(&two, &two));
        prop_assert_eq!(pairing(&other_one, &other_two), pairing(&one, &two));
        let negative = g1_neg(&other_one).expect("a point");
        prop_assert_eq!((negative[0], negative[2]), (other_one[0], other_one[2]));
    }

    #[test]
    fn no_bytes_make_it_panic(seed in proptest::collection::vec(any::<u8>(), 12 * 48), high: bool) {
        let elements: Vec<Fp> = seed.as_chunks::<48>().0.iter().map(|chunk| {
            let mut element = *chunk;
            element[47] = if high { element[47] } else { element[47] % 0x1a };
            element
        }).collect();
        let gt: Gt = elements.try_into().expect("twelve elements");
        let (one, two) = ([gt[0], gt[1], gt[2]], [[gt[3], gt[4]], [gt[5], gt[6]], [gt[7], gt[8]]]);
        let _ = (g1_neg(&one), g1_norm(&one), g1_valid(&one), g1_add(&one, &one), g2_neg(&two), g2_norm(&two));
        let _ = (g2_valid(&two), g2_add(&two, &two), pairing(&one, &two), gt_inv(&gt), gt_mul(&gt, &gt), final_exp(&gt));
    }
}
