mnas::mnas_net! {
    pub struct UnknownBlock<32 x 32 x 3, 10> {
        stem conv k3 s2 c8;
        mbcomv e6 k3 c8;
    }
}

mnas::mnas_net! {
    pub struct UnknownKey<32 x 32 x 3, 10> {
        stem conv k3 s2 c8;
        mbconv e6 k3 c8 activatoin relu;
    }
}

mnas::mnas_net! {
    pub struct EvenKernel<32 x 32 x 3, 10> {
        stem conv k3 s2 c8;
        mbconv e6 k4 c8;
    }
}

mnas::mnas_net! {
    pub struct Stride<32 x 32 x 3, 10> {
        stem conv k3 s2 c8;
        mbconv e6 k3 s3 c8;
    }
}

mnas::mnas_net! {
    pub struct Several<32 x 32 x 3, 0> {
        stem conv k3 s0 c8;
        mbconv k3 c8;
        sepconv k3 c0 se0.25;
        mbconv e6 k3 c16 skip identity;
        activation rellu;
    }
}

mnas::mnas_net! {
    pub struct ShapesOnly<32 x 32 x 3, 10> {
        stem conv k3 s2 c8;
        mbconv e6 k3 c16 skip identity;
    }
}

fn main() {}
