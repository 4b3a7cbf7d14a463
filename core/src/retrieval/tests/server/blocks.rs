use super::*;

#[test]
fn a_block_goes_out_encrypted_with_its_index_and_that_of_the_next() {
    let cache = Cache::with(&[(id(1), &[(3, 2), (9, 1)])]);
    let mut server = server(ServerSettings::peer());
    for (index, next) in [(3, 4), (4, 9), (9, 0)] {
        let op = encrypt_op(&send(
            &mut server,
            &get_blocks(id(1), &[(index, 1)]),
            &cache,
        ));
        assert_eq!((op.source.index, op.segment), (block(index), id(1)));
        assert_eq!((op.cipher, op.plain_len), (BlockCipher::Aes128, 65_536));
        assert_eq!(op.payload_len(), 65_552);
        assert_eq!(server.active_clients(), 1);
        let exchange = op.exchange;
        server
            .handle(server_now(), Input::Ready { exchange })
            .unwrap();
        let (body, again) = response(&drain(&mut server));
        assert_eq!(again, Some(exchange));
        let decoded = Response::decode(&body).unwrap();
        assert_eq!(decoded.crypto, CryptoAlgorithm::AES_128);
        let ResponseBody::Block(answer) = decoded.body else {
            panic!()
        };
        assert_eq!(
            (answer.segment, answer.index, answer.next),
            (id(1), index, next)
        );
        assert_eq!(answer.payload, [0x5A; 65_552]);
        assert_eq!(answer.iv, op.iv);
        assert!(answer.verification.is_empty());
        sent(&mut server, exchange);
        assert_eq!(server.active_clients(), 0);
    }
}

#[test]
fn the_world_encrypts_what_the_machine_says_and_a_reader_with_the_secret_can_decrypt_it() {
    let secret = SegmentSecret::new(&[0x77; 32]);
    for (encryption, key_len) in [
        (CryptoAlgorithm::AES_128, 16),
        (CryptoAlgorithm::AES_192, 24),
        (CryptoAlgorithm::AES_256, 32),
    ] {
        let cache = Cache {
            length: 100,
            ..Cache::with(&[(id(1), &[(0, 1)])])
        };
        let mut server = server(ServerSettings {
            encryption,
            ..ServerSettings::peer()
        });
        let op = encrypt_op(&send(&mut server, &get_blocks(id(1), &[(0, 1)]), &cache));
        assert_eq!(op.cipher.key_len(), key_len);
        let key = block_key(op.cipher, &secret).unwrap();
        let mut buffer = vec![0x11; op.payload_len()];
        assert_eq!(buffer.len(), 112);
        encrypt_many(&mut [op.job(&key, &mut buffer).unwrap()]);
        crate::cipher::decrypt(&key, op.iv, &mut buffer).unwrap();
        assert_eq!(buffer[..100], [0x11; 100]);
        assert_eq!(buffer[100..], [12; 12]);
    }
}

#[test]
fn vectors_are_new_for_each_block_and_follow_from_the_seed() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let vectors = |seed: &[u8; 32]| -> Vec<[u8; 16]> {
        let mut server = Server::new(ServerSettings::peer(), seed).unwrap();
        let mut draw = |_| encrypt_op(&send(&mut server, &get_blocks(id(1), &[(0, 1)]), &cache)).iv;
        (0..50).map(&mut draw).collect()
    };
    let mut first = vectors(&SEED);
    assert_eq!(first, vectors(&SEED));
    assert_ne!(first, vectors(&[8; 32]));
    first.sort_unstable();
    first.dedup();
    assert_eq!(first.len(), 50);
}

#[test]
fn of_several_blocks_the_one_of_the_smallest_index_goes_out() {
    let cache = Cache::with(&[(id(1), &[(0, 512)])]);
    let mut server = server(ServerSettings::peer());
    let unsorted = bytes(&[
        N(1),
        N(3),
        N(16 + 36 + 4 + 16 + 4),
        N(1),
        N(32),
        B(&[1; 32]),
        N(2),
        N(50),
        N(4),
        N(7),
        N(2),
        N(0),
    ]);
    let outputs = send(&mut server, &unsorted, &cache);
    assert_eq!(encrypt_op(&outputs).source.index, block(7));
    let Some(Output::Event(Event::Lenient { quirks, .. })) = outputs.last() else {
        panic!("{outputs:?}")
    };
    assert!(quirks.contains(Quirk::ManyBlocksRequested));
    assert!(quirks.contains(Quirk::RangesNotNormalised));
}

#[test]
fn a_missing_block_is_an_empty_block_of_the_index_asked_for() {
    let torn = Cache {
        is_torn: true,
        ..Cache::with(&[(id(1), &[(5, 2)])])
    };
    let empty = Cache {
        length: 0,
        ..Cache::with(&[(id(1), &[(5, 2)])])
    };
    let cache = Cache::with(&[(id(1), &[(5, 2)])]);
    for (cache, segment, index, next) in [
        (&cache, id(1), 4, 5),
        (&cache, id(1), 7, 0),
        (&cache, id_of(1, 64), 5, 0),
        (&torn, id(1), 5, 6),
        (&empty, id(1), 5, 6),
    ] {
        let mut server = server(ServerSettings::peer());
        let message = get_blocks(segment, &[(index, 1)]);
        let (body, exchange) = response(&send(&mut server, &message, cache));
        let ResponseBody::Block(answer) = Response::decode(&body).unwrap().body else {
            panic!()
        };
        assert_eq!(
            (answer.segment, answer.index, answer.next),
            (segment, index, next)
        );
        assert!(answer.payload.is_empty() && answer.iv.is_empty());
        sent(&mut server, exchange.unwrap());
        assert_eq!(server.active_clients(), 0);
    }
}

#[test]
fn a_block_lost_on_the_way_is_an_empty_block() {
    let cache = Cache::with(&[(id(1), &[(0, 2)])]);
    let mut server = server(ServerSettings::peer());
    let exchange = occupy(&mut server, &cache);
    server
        .handle(server_now(), Input::Lost { exchange })
        .unwrap();
    let (body, _) = response(&drain(&mut server));
    let ResponseBody::Block(answer) = Response::decode(&body).unwrap().body else {
        panic!()
    };
    assert_eq!((answer.index, answer.next, answer.payload), (0, 1, &[][..]));
}

#[test]
fn a_sealed_block_goes_out_as_it_was_handed_in() {
    let cache = Cache {
        sealed: Some(CryptoAlgorithm::AES_256),
        length: 48,
        ..Cache::with(&[(id(1), &[(0, 1)])])
    };
    let mut server = server(ServerSettings::hosted_cache());
    let outputs = send(&mut server, &get_blocks(id(1), &[(0, 1)]), &cache);
    let [Output::Load(op)] = outputs[..] else {
        panic!("{outputs:?}")
    };
    assert_eq!((op.length, op.source.index), (48, block(0)));
    let exchange = op.exchange;
    server
        .handle(server_now(), Input::Ready { exchange })
        .unwrap();
    let (body, _) = response(&drain(&mut server));
    let decoded = Response::decode(&body).unwrap();
    assert_eq!(decoded.crypto, CryptoAlgorithm::AES_256);
    let ResponseBody::Block(answer) = decoded.body else {
        panic!()
    };
    assert_eq!((answer.payload, answer.iv), (&[0x5A; 48][..], &[3; 16][..]));
}

#[test]
fn without_encryption_a_block_is_loaded_and_padded_to_four_bytes() {
    let cache = Cache {
        length: 33,
        ..Cache::with(&[(id(1), &[(0, 1)])])
    };
    let mut server = server(ServerSettings {
        encryption: CryptoAlgorithm::NONE,
        ..ServerSettings::peer()
    });
    let outputs = send(&mut server, &get_blocks(id(1), &[(0, 1)]), &cache);
    let [Output::Load(op)] = outputs[..] else {
        panic!("{outputs:?}")
    };
    let exchange = op.exchange;
    server
        .handle(server_now(), Input::Ready { exchange })
        .unwrap();
    let (body, _) = response(&drain(&mut server));
    let decoded = Response::decode(&body).unwrap();
    assert_eq!(decoded.crypto, CryptoAlgorithm::NONE);
    let ResponseBody::Block(answer) = decoded.body else {
        panic!()
    };
    assert_eq!((answer.payload, answer.iv), (&[0x5A; 33][..], &[][..]));
}

#[test]
fn a_block_too_long_for_any_response_is_the_caller_s_mistake() {
    let cache = |length| Cache {
        length,
        ..Cache::with(&[(id(1), &[(0, 1)])])
    };
    let message = get_blocks(id(1), &[(0, 1)]);
    let mut server = server(ServerSettings::peer());
    for length in [393_216, u32::MAX] {
        let cache = cache(length);
        let input = Input::Message {
            connection: Connection(1),
            bytes: &message,
            holdings: &cache,
        };
        assert!(server.handle(server_now(), input).is_err());
        assert_eq!((server.active_clients(), drain(&mut server).len()), (0, 0));
    }
    // The most that any segment of version 2.0 has, and far more.
    for length in [131_072, 393_000] {
        encrypt_op(&send(&mut server, &message, &cache(length)));
    }
}
