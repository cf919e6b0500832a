//! Random lives of an account: what must hold after every step, whatever happens.
