//! The compression functions of SHA-2 (FIPS 180-4 6.2.2, 6.4.2), written once for every word.
//! Invariant: lanes never meet; what one lane computes depends on that lane alone.
//! Byte order: none, words come in and words go out.

/// A word, or several words of independent messages side by side.
pub(super) trait Vector: Copy {
    /// One lane.
    type Word: Copy;

    /// The same word in every lane.
    fn splat(word: Self::Word) -> Self;
    /// Sum modulo the word size.
    fn add(self, other: Self) -> Self;
    /// Exclusive or.
    fn xor(self, other: Self) -> Self;
    /// Rotation right by `R`; `L` is the rest of the word, because the instruction sets without
    /// rotations want it as a constant too.
    fn ror<const R: i32, const L: i32>(self) -> Self;
    /// Shift right.
    fn shr<const N: i32>(self) -> Self;
    /// The bits of `f` where `e` is set, else those of `g`.
    fn choose(e: Self, f: Self, g: Self) -> Self;
    /// The majority of each bit. `memo` holds `b ^ c` on entry and `a ^ b` on return, which is what
    /// the next round wants: two operations less where there is no instruction for it.
    fn majority(a: Self, b: Self, c: Self, memo: &mut Self) -> Self;

    /// Exclusive or of three.
    #[inline(always)]
    fn xor3(a: Self, b: Self, c: Self) -> Self {
        a.xor(b).xor(c)
    }
}

macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $memo:ident, $wk:expr,
     $big0:ident, $big1:ident) => {
        let t = $h.add($wk).add(V::choose($e, $f, $g)).add($big1($e));
        $d = $d.add(t);
        $h = t.add(V::majority($a, $b, $c, &mut $memo)).add($big0($a));
    };
}

macro_rules! compression {
    ($(#[$doc:meta])* $name:ident, $word:ty, $k:path,
     [$a0:literal $a0l:literal, $a1:literal $a1l:literal, $a2:literal $a2l:literal]
     [$e0:literal $e0l:literal, $e1:literal $e1l:literal, $e2:literal $e2l:literal]
     [$s0:literal $s0l:literal, $s1:literal $s1l:literal, $s2:literal]
     [$t0:literal $t0l:literal, $t1:literal $t1l:literal, $t2:literal]) => {
        $(#[$doc])*
        #[inline(always)]
        pub(super) fn $name<V: Vector<Word = $word>>(state: &mut [V; 8], mut w: [V; 16]) {
            #[inline(always)]
            fn big0<V: Vector>(x: V) -> V {
                V::xor3(x.ror::<$a0, $a0l>(), x.ror::<$a1, $a1l>(), x.ror::<$a2, $a2l>())
            }
            #[inline(always)]
            fn big1<V: Vector>(x: V) -> V {
                V::xor3(x.ror::<$e0, $e0l>(), x.ror::<$e1, $e1l>(), x.ror::<$e2, $e2l>())
            }
            #[inline(always)]
            fn small0<V: Vector>(x: V) -> V {
                V::xor3(x.ror::<$s0, $s0l>(), x.ror::<$s1, $s1l>(), x.shr::<$s2>())
            }
            #[inline(always)]
            fn small1<V: Vector>(x: V) -> V {
                V::xor3(x.ror::<$t0, $t0l>(), x.ror::<$t1, $t1l>(), x.shr::<$t2>())
            }
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            let mut memo = b.xor(c);
            macro_rules! wk {
                ($row:ident, $i:literal) => { w[$i].add(V::splat($row[$i])) };
            }
            macro_rules! next {
                ($i:literal, $i1:literal, $i9:literal, $i14:literal) => {
                    w[$i] = w[$i].add(small0(w[$i1])).add(w[$i9]).add(small1(w[$i14]));
                };
            }
            let [first, others @ ..] = &$k;
            round!(a b c d e f g h, memo, wk!(first, 0), big0, big1);
            round!(h a b c d e f g, memo, wk!(first, 1), big0, big1);
            round!(g h a b c d e f, memo, wk!(first, 2), big0, big1);
            round!(f g h a b c d e, memo, wk!(first, 3), big0, big1);
            round!(e f g h a b c d, memo, wk!(first, 4), big0, big1);
            round!(d e f g h a b c, memo, wk!(first, 5), big0, big1);
            round!(c d e f g h a b, memo, wk!(first, 6), big0, big1);
            round!(b c d e f g h a, memo, wk!(first, 7), big0, big1);
            round!(a b c d e f g h, memo, wk!(first, 8), big0, big1);
            round!(h a b c d e f g, memo, wk!(first, 9), big0, big1);
            round!(g h a b c d e f, memo, wk!(first, 10), big0, big1);
            round!(f g h a b c d e, memo, wk!(first, 11), big0, big1);
            round!(e f g h a b c d, memo, wk!(first, 12), big0, big1);
            round!(d e f g h a b c, memo, wk!(first, 13), big0, big1);
            round!(c d e f g h a b, memo, wk!(first, 14), big0, big1);
            round!(b c d e f g h a, memo, wk!(first, 15), big0, big1);
            for row in others {
                next!(0, 1, 9, 14);
                round!(a b c d e f g h, memo, wk!(row, 0), big0, big1);
                next!(1, 2, 10, 15);
                round!(h a b c d e f g, memo, wk!(row, 1), big0, big1);
                next!(2, 3, 11, 0);
                round!(g h a b c d e f, memo, wk!(row, 2), big0, big1);
                next!(3, 4, 12, 1);
                round!(f g h a b c d e, memo, wk!(row, 3), big0, big1);
                next!(4, 5, 13, 2);
                round!(e f g h a b c d, memo, wk!(row, 4), big0, big1);
                next!(5, 6, 14, 3);
                round!(d e f g h a b c, memo, wk!(row, 5), big0, big1);
                next!(6, 7, 15, 4);
                round!(c d e f g h a b, memo, wk!(row, 6), big0, big1);
                next!(7, 8, 0, 5);
                round!(b c d e f g h a, memo, wk!(row, 7), big0, big1);
                next!(8, 9, 1, 6);
                round!(a b c d e f g h, memo, wk!(row, 8), big0, big1);
                next!(9, 10, 2, 7);
                round!(h a b c d e f g, memo, wk!(row, 9), big0, big1);
                next!(10, 11, 3, 8);
                round!(g h a b c d e f, memo, wk!(row, 10), big0, big1);
                next!(11, 12, 4, 9);
                round!(f g h a b c d e, memo, wk!(row, 11), big0, big1);
                next!(12, 13, 5, 10);
                round!(e f g h a b c d, memo, wk!(row, 12), big0, big1);
                next!(13, 14, 6, 11);
                round!(d e f g h a b c, memo, wk!(row, 13), big0, big1);
                next!(14, 15, 7, 12);
                round!(c d e f g h a b, memo, wk!(row, 14), big0, big1);
                next!(15, 0, 8, 13);
                round!(b c d e f g h a, memo, wk!(row, 15), big0, big1);
            }
            let [sa, sb, sc, sd, se, sf, sg, sh] = *state;
            *state = [
                sa.add(a), sb.add(b), sc.add(c), sd.add(d), se.add(e), sf.add(f), sg.add(g), sh.add(h),
            ];
        }
    };
}

compression!(
    /// One block of SHA-256 in every lane: `w` is the block as words.
    compress_256, u32, super::constants::K_256,
    [2 30, 13 19, 22 10] [6 26, 11 21, 25 7] [7 25, 18 14, 3] [17 15, 19 13, 10]
);

compression!(
    /// One block of SHA-512 in every lane: `w` is the block as words.
    compress_512, u64, super::constants::K_512,
    [28 36, 34 30, 39 25] [14 50, 18 46, 41 23] [1 63, 8 56, 7] [19 45, 61 3, 6]
);
