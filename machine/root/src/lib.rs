//! Choose, extend and reward the proof-of-work chain (Bitcoin-NG).
