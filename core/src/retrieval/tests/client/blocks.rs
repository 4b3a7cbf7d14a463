use super::*;

#[test]
fn a_block_is_decrypted_and_handed_on() {
    let secret = SegmentSecret::new(&[0x42; 32]);
    let ciphers = [
        (CryptoAlgorithm::AES_128, crate::cipher::BlockCipher::Aes128),
        (CryptoAlgorithm::AES_192, crate::cipher::BlockCipher::Aes192),
        (CryptoAlgorithm::AES_256, crate::cipher::BlockCipher::Aes256),
    ];
    for (crypto, cipher) in ciphers {
        let key = block_key(cipher, &secret).unwrap();
        let mut payload = vec![0x33; payload_len(crypto, 100)];
        crate::cipher::encrypt(&key, [2; 16], &mut payload, 100).unwrap();
        let body = ResponseBody::Block(block_answer(&payload));
        let mut message = Response::new(crypto, body).encode();

        let mut client = client();
        let (exchange, _) = ask(&mut client, plain(4));
        let outputs = answer(&mut client, exchange, &message);
        let [Output::Decrypt(op)] = outputs[..] else {
            panic!("{outputs:?}")
        };
        assert_eq!((op.cipher, op.plain_len, op.iv), (cipher, 100, [2; 16]));
        assert_eq!(op.place.of(&message), Some(&payload[..]));
        // The answer came in time, however long decryption takes.
        assert_eq!(client.poll_timeout(), None);
        crate::cipher::decrypt_many(&mut [op.job(&key, &mut message).unwrap()]);
        let (block, quirk) = op.plain(&message).unwrap();
        assert_eq!((block, quirk), (&[0x33; 100][..], None));
        client
            .handle(at(9999), Input::Decrypted { exchange, quirk })
            .unwrap();
        let outputs = drain(&mut client);
        let Outcome::Block(received) = outcome(&outputs) else {
            panic!("{outputs:?}")
        };
        assert_eq!(received.place.of(&message), Some(&[0x33; 100][..]));
        assert_eq!((received.index, received.next), (super::block(4), 6));
        assert_eq!(client.outstanding(), 0);
    }
}

#[test]
fn payloads_with_any_padding_of_the_field_are_taken_and_no_other_length_is() {
    assert!(decrypt_op(112, 100).is_ok());
    assert!(decrypt_op(112, 96).is_ok());
    assert!(decrypt_op(96, 96).is_ok());
    for (length, plain_len) in [(96, 100), (128, 100), (128, 96), (80, 96), (16, 65_536)] {
        assert_eq!(decrypt_op(length, plain_len), Err("PCCRR-2.2.5.3-06"));
    }
}

#[test]
fn odd_padding_is_told_by_its_name() {
    let quirk_of = |plain_len: u32, tail: &[u8]| {
        let op = decrypt_op(plain_len as usize + tail.len(), plain_len).unwrap();
        let mut message = vec![1; op.place.offset + plain_len as usize];
        message.extend_from_slice(tail);
        op.plain(&message).unwrap().1.map(Quirk::name)
    };
    assert_eq!(quirk_of(96, &[]), Some("rr-padding-none"));
    assert_eq!(quirk_of(100, &[0; 12]), Some("rr-padding-zero"));
    assert_eq!(quirk_of(100, &[12; 12]), None);
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    answer(
        &mut client,
        exchange,
        &encode(ResponseBody::Block(block_answer(&[0; 112]))),
    );
    let quirk = Some(Quirk::PaddingZero);
    client
        .handle(at(20), Input::Decrypted { exchange, quirk })
        .unwrap();
    let outputs = drain(&mut client);
    assert!(matches!(
        outputs[0],
        Output::Event(Event::Lenient { quirks, .. }) if quirks.contains(Quirk::PaddingZero)
    ));
    assert!(matches!(outcome(&outputs), Outcome::Block(_)));
}

#[test]
fn an_op_held_against_a_shorter_message_is_an_error_and_no_panic() {
    let op = decrypt_op(112, 100).unwrap();
    let key = block_key(op.cipher, &SegmentSecret::new(&[1; 32])).unwrap();
    assert!(op.job(&key, &mut [0; 50]).is_err());
    assert!(op.plain(&[0; 50]).is_err());
}

#[test]
fn an_unencrypted_block_and_one_to_stay_as_it_came_are_handed_on_at_once() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    let body = ResponseBody::Block(Block {
        iv: b"",
        ..block_answer(&[7; 100])
    });
    let message = Response::new(CryptoAlgorithm::NONE, body).encode();
    let outputs = answer(&mut client, exchange, &message);
    let Outcome::Block(received) = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(received.place.of(&message), Some(&[7; 100][..]));
    assert_eq!(received.iv, None);

    for length in [99, 101] {
        let (exchange, _) = ask(&mut client, plain(4));
        let payload = vec![7; length];
        let message = Response::new(
            CryptoAlgorithm::NONE,
            ResponseBody::Block(block_answer(&payload)),
        );
        let outputs = answer(&mut client, exchange, &message.encode());
        assert_eq!(refused(&outputs), "PCCRR-2.2.5.3-06");
    }

    let question = Question::Block {
        segment: id(1),
        index: block(4),
        reading: Reading::AsReceived,
    };
    let (exchange, _) = ask(&mut client, question);
    let message = encode(ResponseBody::Block(block_answer(&[8; 4096])));
    let outputs = answer(&mut client, exchange, &message);
    let Outcome::Block(received) = outcome(&outputs) else {
        panic!("{outputs:?}")
    };
    assert_eq!(received.place.of(&message), Some(&[8; 4096][..]));
    assert_eq!(
        (received.crypto, received.iv),
        (CryptoAlgorithm::AES_128, Some([2; 16]))
    );
}

#[test]
fn an_empty_block_means_that_the_peer_does_not_have_it() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    let message = encode(ResponseBody::Block(block_answer(b"")));
    let expected = Outcome::NoBlock {
        segment: id(1),
        index: block(4),
        next: 6,
    };
    assert_eq!(*outcome(&answer(&mut client, exchange, &message)), expected);
}

#[test]
fn a_block_that_was_not_asked_for_is_discarded() {
    let good = block_answer(b"");
    let others = [
        (
            Block { index: 5, ..good },
            CryptoAlgorithm::AES_128,
            "PCCRR-3.1.5.3-01",
        ),
        (
            Block {
                segment: id(2),
                ..good
            },
            CryptoAlgorithm::AES_128,
            "PCCRR-3.1.5.3-01",
        ),
        (
            Block {
                segment: id_of(1, 48),
                ..good
            },
            CryptoAlgorithm::AES_128,
            "PCCRR-3.1.5.3-01",
        ),
        (
            block_answer(&[0; 112]),
            CryptoAlgorithm(4),
            "PCCRR-2.2.3-15",
        ),
    ];
    for (block, crypto, requirement) in others {
        let mut client = client();
        let (exchange, _) = ask(&mut client, plain(4));
        let message = Response::new(crypto, ResponseBody::Block(block)).encode();
        assert_eq!(
            refused(&answer(&mut client, exchange, &message)),
            requirement
        );
        assert_eq!((client.outstanding(), client.poll_timeout()), (0, None));
    }
}

#[test]
fn a_second_response_while_a_block_is_decrypted_is_discarded_and_harms_nothing() {
    let mut client = client();
    let (exchange, _) = ask(&mut client, plain(4));
    let message = encode(ResponseBody::Block(block_answer(&[0; 112])));
    assert!(matches!(
        answer(&mut client, exchange, &message)[..],
        [Output::Decrypt(_)]
    ));
    for second in [&message[..], &versions(1, 2), &versions(7, 8), b"junk"] {
        let outputs = answer(&mut client, exchange, second);
        assert!(
            matches!(outputs[..], [Output::Event(Event::Rejected { .. })]),
            "{outputs:?}"
        );
    }
    let quirk = None;
    client
        .handle(at(20), Input::Decrypted { exchange, quirk })
        .unwrap();
    assert!(matches!(outcome(&drain(&mut client)), Outcome::Block(_)));
}
