//! What the Grain generator gives for Poseidon over the scalar field of BLS12-381, state of three, x⁵, 8 full and 57 partial
//! rounds: canonical integers, least significant limb first. `grain::tests` generates every line again.

use ark_bls12_381::Fr;
use ark_ff::BigInt;

const fn fr(limbs: [u64; 4]) -> Fr {
    Fr::new(BigInt::new(limbs))
}

/// One row per round: what is added to the three cells before the S-box.
pub const ROUNDS: [[Fr; 3]; 65] = [
    [
        fr([0x9540_d1f2_5091_0880, 0xff4a_2c3b_c81d_42e0, 0xf749_05cc_7dae_4ca9, 0x6c4f_fa72_3eaf_1a7b]),
        fr([0xfd8d_d970_fddc_dd9a, 0x56ab_69a4_03b6_b9fd, 0x2c2f_53a3_476e_45a1, 0x54dd_837e_ccf1_80c9]),
        fr([0xeee2_25bf_9423_a85e, 0x4fb9_24ad_ccf8_962e, 0x0e7d_0a29_680d_49d5, 0x64f5_6d73_5286_c35f]),
    ],
    [
        fr([0x94e7_33c7_4979_10dc, 0x3ac8_e9cb_f7d3_0e85, 0x7d96_7fb1_3d20_45ee, 0x670d_5b6e_fe62_0f98]),
        fr([0x0b28_f335_50c6_8937, 0x7530_f277_e06f_78ee, 0x2ca8_74b0_1512_0d7e, 0x2ef5_299e_2077_b239]),
        fr([0xc73f_51c7_c22d_8095, 0xe2f4_5ed0_2448_8f67, 0x384e_7dfa_49cd_4236, 0x0c09_8188_9405_b59c]),
    ],
    [
        fr([0x62cf_ca43_f164_9c82, 0x0d04_8e2f_df56_59de, 0x26c6_1ea4_5828_8e5a, 0x0d88_548e_6296_171b]),
        fr([0x22f6_1123_faa6_b638, 0x4995_f6f1_df12_3842, 0xbce4_1402_02ab_aaa4, 0x3371_c00f_3715_d44a]),
        fr([0x706f_6d79_75b0_fe1b, 0x5291_1085_c8d8_6baa, 0x0348_f485_7f00_06a6, 0x4ce4_28fe_c6d1_78d1]),
    ],
    [
        fr([0x5847_aece_5207_0ab0, 0xa3ae_2c0d_8dfb_2a34, 0x6b03_521c_9458_2d91, 0x1a3c_26d7_55bf_6532]),
        fr([0x83a6_b059_adda_82b5, 0x57ed_4dfb_2120_14c0, 0x35a1_1874_2bf4_82d2, 0x02db_b470_9583_838c]),
        fr([0xa48e_ad41_1d8f_f5a7, 0xa906_6690_de8f_13b9, 0x721b_0035_259f_45f2, 0x41f2_dd64_b9a0_dcea]),
    ],
    [
        fr([0x6887_26b4_108c_46a8, 0xa82c_0a4d_d0ef_db24, 0x6993_eea6_4315_80c0, 0x5f15_4892_7826_17b2]),
        fr([0x81a6_e040_79e0_0c0c, 0x67a1_be37_4f60_fc42, 0xdb55_7872_f4b7_f815, 0x0db9_8520_f9b9_7cbc]),
        fr([0xf7ef_043f_d957_f12d, 0x695f_2162_705c_a6a1, 0xca76_aaf9_b2fa_0ca0, 0x7156_4ed6_6b41_e872]),
    ],
    [
        fr([0x7be1_05ea_6b38_d8b8, 0xbd29_cb34_b1e4_3ab2, 0x8d0c_723f_754c_89e8, 0x6919_1b1f_e6ac_bf88]),
        fr([0x6332_9c70_40d2_9350, 0xc667_809c_e151_2e59, 0x152c_fed3_0028_c5ed, 0x04e9_919e_b06f_f327]),
        fr([0x82a0_c709_0ff7_1288, 0x81c9_91b8_5617_8f61, 0xedd3_8595_feea_d654, 0x573b_c78e_3ed1_62e5]),
    ],
    [
        fr([0xbb7f_38dd_d455_db0b, 0x2695_a199_6a4d_b968, 0x1dec_9424_69e0_7660, 0x1028_00af_87fd_92eb]),
        fr([0xebe8_1ef1_c0fb_7a8f, 0x8d61_9c02_902e_f775, 0x6f87_79ac_c32d_8f18, 0x593d_1894_c17e_5b62]),
        fr([0xbd29_6957_fa2f_e2b7, 0x51e3_7490_8196_a806, 0xb03b_ac49_c9fe_add0, 0x6685_0b1b_1d5d_4e07]),
    ],
    [
        fr([0x4a81_c43e_0faf_fc57, 0x8e96_a807_b28c_1e49, 0x80d6_aa16_cc03_465d, 0x46aa_a120_6232_ceb4]),
        fr([0xc1c5_f2fa_e478_0579, 0x8c36_6711_91d4_ee9a, 0xffd5_db90_8bf2_8b7f, 0x2102_aab9_7ce5_bd94]),
        fr([0xbc94_e5b8_fb51_78b7, 0x5fcb_546a_2a7d_481a, 0xbbe7_2016_4c40_9318, 0x1438_7b24_d1c0_c712]),
    ],
    [
        fr([0x5cfd_713c_9550_fe9f, 0xa6ce_f2cf_737f_020b, 0xcfce_d83e_64e2_06f6, 0x5f21_79b3_a784_5836]),
        fr([0x485e_68ab_96d5_7188, 0x657d_2732_3b87_e3a8, 0xb544_3334_562b_0bc3, 0x1787_986a_b56e_1b56]),
        fr([0xdcf4_861d_a65f_543a, 0x074c_496d_e2c9_ed67, 0x451a_dda4_4428_aa22, 0x39ef_4b00_deef_e7e7]),
    ],
    [
        fr([0x9337_e6ea_e53b_b20c, 0x37c7_4680_88b0_81a9, 0x0c48_af19_0c5c_7659, 0x7271_d384_cf5c_90fd]),
        fr([0x5435_328b_37a1_dd3d, 0xe522_423a_a71f_8422, 0x6024_fbc1_96e5_f306, 0x6669_e58d_0424_8ca8]),
        fr([0x16b0_7420_bb32_1c65, 0xac1c_5696_da8e_b194, 0x754c_ba5e_46ed_c1f1, 0x0c1f_1b49_2b27_539d]),
    ],
    [
        fr([0x6c39_848c_9bd4_4692, 0x1dfc_38e7_9e7e_5351, 0x67f1_f184_cf19_1f33, 0x1c4d_41a1_33b9_7dc4]),
        fr([0xdda4_ac74_cf97_68e2, 0x0c92_88e6_7a35_9dc0, 0xf88b_e920_5ab8_4018, 0x369e_a8e6_9918_1b1c]),
        fr([0x533d_bde6_fb98_5043, 0xbfa7_14b9_e310_0eaa, 0xf0b8_a2a7_1912_3f7e, 0x4cfa_7d72_afed_332b]),
    ],
    [
        fr([0x4a9e_5b3b_fbbb_3e45, 0x8899_42e9_fe23_d9fd, 0xe54c_6f34_d7a8_bd41, 0x4e59_2fcd_e9f3_c360]),
        fr([0x2722_ed86_5b84_38a5, 0xf54f_f915_98a9_48ec, 0x2355_7099_6d3a_4c40, 0x032b_5885_5862_12fb]),
        fr([0x8259_8299_0c06_8940, 0x3cff_0d8a_33f3_523d, 0xe661_4fb1_3459_7d3b, 0x03f3_1789_56cf_d3e2]),
    ],
    [
        fr([0x0ac0_8a16_c624_8f74, 0xe610_9af5_bb2b_d78d, 0xf0ce_0d92_73d8_ad40, 0x3126_e84d_fd67_a22b]),
        fr([0x56d8_e087_f408_7b6f, 0xa390_1139_0c2d_bbcf, 0x8d7b_928e_9af2_44f0, 0x3527_8880_62f1_e273]),
        fr([0x4211_82a8_b187_ecf7, 0xc3d3_4c6f_f924_94f3, 0xbe2e_b423_bf7b_5bf6, 0x6463_5758_efc7_01db]),
    ],
    [
        fr([0xef7b_5b5f_9d74_546e, 0x6a5f_4243_dbeb_2dda, 0x2a42_8cbf_77dd_c191, 0x4d7f_7196_0f03_db8a]),
        fr([0xd74a_c12d_b57b_29c5, 0x5359_3106_17f3_fc06, 0x4324_3eba_3b97_65d7, 0x3783_2ba2_da93_de36]),
        fr([0x6c94_b328_2ba3_fae6, 0xc931_4796_5252_cb1d, 0xf96c_9e65_56a3_bb4f, 0x4dce_5587_9ffd_9398]),
    ],
    [
        fr([0xf845_bfec_d6dc_4b40, 0x5d98_5636_97a3_4c0a, 0x0fd5_a472_7a58_c3d8, 0x4ba8_5e4d_2537_972c]),
        fr([0x84d0_eb96_ff5b_02ce, 0x3b50_3703_9796_89f3, 0xd197_34b0_f337_d342, 0x582d_c453_b4cb_f6b1]),
        fr([0x091a_1c89_1fa2_24ba, 0x82f0_7b23_e799_566b, 0x3540_d69b_2542_0a26, 0x0e6f_127f_479e_e611]),
    ],
    [
        fr([0xfdff_f823_06f3_7dbb, 0xe900_b2fb_16d5_a779, 0x8ae5_0354_7294_4706, 0x39c8_1550_8d29_95bb]),
        fr([0xb300_d945_9f70_9051, 0xc506_0cfd_7f95_724a, 0x8aa0_3220_3721_79a4, 0x6591_aba2_15bc_f96d]),
        fr([0x8304_52a4_4a34_3188, 0x0a69_e816_ace9_8fad, 0xc546_a734_ad2c_d7f6, 0x2218_07cb_4909_d549]),
    ],
    [
        fr([0x59f3_035e_1336_b53f, 0x2b13_b0ae_cb87_f386, 0xa58b_ce78_7223_80b2, 0x2766_a1e3_3038_004d]),
        fr([0x1bab_d7f5_3cad_a9e3, 0x074b_6615_37ff_890b, 0xb5d2_f533_6dc9_bad5, 0x11b5_e993_e6a9_cdc3]),
        fr([0x92de_b60a_d49e_ddcd, 0x4c5f_c86e_c59c_0f24, 0x3d0a_2c59_af26_b51f, 0x2957_6176_f9a5_a10e]),
    ],
    [
        fr([0xa5f6_f723_6399_1e98, 0xe16e_e757_1f13_40a9, 0x747d_8a6d_333f_b2b3, 0x51e7_2c44_f9de_491c]),
        fr([0x23b6_9bab_09f4_d1a6, 0x264d_04f0_289f_0987, 0x71e0_7176_4a5e_41eb, 0x2fb3_60d9_59be_4aa8]),
        fr([0x9c1e_8c07_ae25_0f47, 0x739a_5009_3111_42b6, 0xb595_ed61_fe13_f9e8, 0x03f4_6b4c_3c77_957c]),
    ],
    [
        fr([0x7818_cec9_79b5_7b5e, 0xebfc_0c33_ba96_ad93, 0x7e0f_f672_cd05_43aa, 0x4683_311e_382a_9992]),
        fr([0xed17_076f_4caa_0dd6, 0x0f2f_945e_3cbf_33a2, 0x0ba5_486b_0f1f_9bd6, 0x7117_cc69_bf56_6b1b]),
        fr([0x89d2_71f3_dd6b_ee25, 0xa4df_f19a_b5c4_d289, 0xf254_d61c_2a9b_56d6, 0x3bd6_70c3_ce88_ea43]),
    ],
    [
        fr([0xa01b_9d7b_ee36_1a1b, 0x2c5c_6005_feed_28d8, 0x995d_1506_1ddb_487f, 0x2fd2_ed0b_a113_5575]),
        fr([0x8966_5810_3326_00ec, 0x9a10_abf1_7e05_3f4d, 0x7ad8_e2f2_8edd_8c9c, 0x6a66_704e_22a8_1e6b]),
        fr([0xe707_ca69_3f4f_933e, 0x810f_932a_206a_acec, 0xb32d_8d2e_bfe2_695f, 0x5cbc_378b_e1db_3840]),
    ],
    [
        fr([0x9967_aa3f_f997_0aac, 0x6568_f0a1_4cb1_4d51, 0xd42e_7d39_eaca_316b, 0x35b7_1641_0b3c_9374]),
        fr([0x0bd1_465f_3852_811f, 0xc929_b564_6673_77a1, 0xc192_db40_e586_eded, 0x231c_6db0_56e4_7a01]),
        fr([0x2962_f336_558b_0f32, 0x4307_9b2f_7023_0375, 0x4b0f_856a_cb01_6c7a, 0x4904_d5de_1f51_2eb1]),
    ],
    [
        fr([0x3302_481e_ddba_4074, 0xc744_06a5_7607_c2ba, 0xec7b_dd13_3581_f2ab, 0x56d6_bc63_f429_bb7f]),
        fr([0x1d28_ce10_2257_9735, 0x5f28_b9f7_4f1e_65d2, 0x67fa_79d1_afdf_36b2, 0x519d_0dac_cadf_bb01]),
        fr([0xc778_7f80_94e5_a71a, 0x7575_f856_88cd_b981, 0xf352_bb26_da10_6663, 0x0576_cf24_18d6_bd88]),
    ],
    [
        fr([0x5baa_0e3a_a49e_437a, 0x6ab1_71db_4ead_d993, 0x0aa1_10bd_ce12_e1e6, 0x1667_2be7_0221_dfa2]),
        fr([0x80ce_4bcb_c43b_0b69, 0xa3df_cc04_adfc_6497, 0x77d9_c2c1_8f17_b03e, 0x1e51_c73b_c2ae_b9e8]),
        fr([0xb35d_55e4_d155_e169, 0xa42a_9e84_e4fd_b0dc, 0x8e2e_bdfb_372f_79c8, 0x1271_c830_507a_211c]),
    ],
    [
        fr([0x7bc0_6a5c_e1b2_5544, 0xeb20_cb91_647d_b49a, 0xde4b_78ad_f97e_0ebc, 0x6707_7397_c2b0_1db4]),
        fr([0x60ad_c45f_3557_0b9d, 0xcce3_7120_2abc_28a2, 0xf0ab_0192_4767_b4ae, 0x2e54_54b2_5810_6b63]),
        fr([0x1c1e_9cd1_8df3_6f82, 0x3b23_81b7_2b68_e97b, 0x78f0_5063_cfa4_e2b7, 0x440f_7276_9f13_7a80]),
    ],
    [
        fr([0x4f6c_ddcc_e2fc_9c40, 0xee25_b163_5870_4f43, 0x32fe_f2ef_79c9_3ca7, 0x6ae1_478f_c162_c500]),
        fr([0xa2c3_15d4_441b_6987, 0x965b_8932_621a_ab4c, 0xa39e_bb33_c5c7_cf18, 0x0c0f_3630_409a_2242]),
        fr([0x0389_3af3_6d5e_75dc, 0x2cb5_0ce4_682b_afe1, 0xdf88_b51f_253b_d903, 0x0d1b_d84a_786a_990a]),
    ],
    [
        fr([0x3a99_8926_539d_d401, 0x8bc5_2ff7_01c3_85c4, 0x4aae_2f25_5666_b0fe, 0x30ce_4250_5981_0dd9]),
        fr([0x2ea3_11ab_e5e3_d96d, 0xe446_dfa6_68dc_73da, 0x1a9e_c2ca_7309_9425, 0x395a_1e75_3153_b56d]),
        fr([0x58e2_56a0_3d20_ef91, 0xae2d_6898_94ce_d82f, 0x92fd_c0c3_d21b_1a5b, 0x57f0_9d89_e827_d003]),
    ],
    [
        fr([0xf6a0_3854_bfdb_cacc, 0x4cb5_624b_0ba7_6f48, 0x8b3c_ba3c_252d_aa08, 0x1065_b71b_135e_4feb]),
        fr([0x59d9_bd4c_8883_203d, 0xbc41_3e17_9579_77e3, 0x0455_4795_2a06_bc83, 0x3d5f_53bd_162f_053f]),
        fr([0x5cd5_8ffd_0532_2d85, 0x264b_42b9_5b2b_ed47, 0x9d6b_49f6_97b0_a75d, 0x05f4_67a5_081b_d347]),
    ],
    [
        fr([0x0d80_02f8_fa0e_3484, 0x4b63_3460_c16a_512d, 0xc36a_5a52_a7d0_34e0, 0x6f5a_d8e3_ed27_2494]),
        fr([0x159e_9d6f_115d_f3b8, 0x2e76_aa6d_6282_0542, 0x5cdb_ffae_1f00_a271, 0x23c2_9327_5e28_2bf1]),
        fr([0xbf8c_de58_4722_d31b, 0xeeef_f3be_b411_3174, 0xbba2_9308_b992_2354, 0x3757_e700_9ca9_bec8]),
    ],
    [
        fr([0xe537_15ae_2472_5342, 0xbe11_4898_f84d_eb06, 0x5047_3ec9_5a7e_c53e, 0x406f_25e7_2d02_64ed]),
        fr([0x96c4_fc75_3130_ad45, 0xe7d3_f2c6_5ac5_2e44, 0xc551_f744_0772_b056, 0x046d_cfa2_d6d6_55c7]),
        fr([0x3b04_687b_2063_259f, 0x96ab_29db_b048_6fe5, 0x4e72_ce8c_1833_c337, 0x49c2_e954_d649_ee1c]),
    ],
    [
        fr([0x45af_8aeb_c872_a759, 0x28ff_d8bf_7a53_31e2, 0x63db_e8e5_efc8_9d7d, 0x2caa_8aae_247e_f83e]),
        fr([0xf2d8_99f8_109b_c717, 0x09b3_d356_2fdc_3f91, 0x3a3d_8cea_806e_0689, 0x5efa_9f8f_32d9_ec1d]),
        fr([0x0912_2c8c_39aa_1301, 0x92b9_3325_0b79_371e, 0x95cd_7380_029a_6336, 0x0df4_24bd_f3b0_c603]),
    ],
    [
        fr([0x4321_906e_fb47_4930, 0x56db_ae17_41f5_0157, 0x8aed_6f38_d5cc_8c34, 0x2d01_2e3e_811c_f4b8]),
        fr([0xaf20_32f3_aadb_9dba, 0xd03a_adff_9d6e_c1af, 0x5bfb_5ea2_5d5f_0557, 0x709c_043f_c648_c48a]),
        fr([0x17dc_8077_dc83_0916, 0xcea1_1418_5a8e_d34e, 0x79a1_dad9_5740_513d, 0x1bb9_b23d_6805_ed11]),
    ],
    [
        fr([0xd4b7_bd8a_38a4_7f61, 0x690c_200d_0f23_18aa, 0x1e23_49b1_e50b_56d0, 0x0fab_922a_838c_55af]),
        fr([0xf305_4f59_d3dc_74d1, 0xf5e8_0fd5_984a_fc67, 0x89c7_3db7_a4ff_48d9, 0x4d58_799d_4501_ee8e]),
        fr([0xb7bf_8e29_3b46_a758, 0x8765_956a_d2ca_7b75, 0x40da_337d_1879_34e4, 0x4f13_0b73_3cb7_8f39]),
    ],
    [
        fr([0x259e_7ed4_598c_ca97, 0x923a_743a_4e60_e58a, 0xaef0_3c3b_eadf_b882, 0x03e7_812a_fd6c_480f]),
        fr([0x8bbe_6b50_2b81_ca1a, 0x6eae_ee7d_f395_cbee, 0xfffc_02a3_c853_f4d5, 0x739e_a276_a5ef_7008]),
        fr([0xc7ba_0ca2_decd_7d01, 0x373e_f7ce_765e_cb1b, 0x1815_fde0_e950_6629, 0x0ae9_7e00_a91a_4e76]),
    ],
    [
        fr([0xba0a_e60c_db28_7c16, 0x1c99_c78d_c107_f443, 0x1a77_4555_668c_c3d4, 0x6d6c_41e1_3154_3678]),
        fr([0x46d2_fa2a_8d51_5c34, 0xff86_5c4b_1b8b_d66e, 0x8c2b_5c63_2cb1_854d, 0x18d6_8377_6871_c191]),
        fr([0xc7e6_9d57_4eb5_a15a, 0x9170_0aca_d1b5_43e8, 0x5475_eb8b_04b0_e2ae, 0x3597_acab_641c_21dc]),
    ],
    [
        fr([0xa44d_341b_9e7d_24a2, 0xf2b9_703e_5814_ddec, 0x4e8b_f2dd_d6bc_aee6, 0x63df_6493_8297_594b]),
        fr([0x7ad6_1bde_4009_b873, 0xcd12_a88d_1f9b_583d, 0x5da2_2615_073e_9839, 0x009a_b455_f6b4_c775]),
        fr([0xf61c_c23d_1c67_3a12, 0x7743_bbee_a99a_c2b8, 0xc26d_0fb7_a3eb_fd3a, 0x09e2_1d43_c56b_0abf]),
    ],
    [
        fr([0x90ad_a0a6_0df0_d16c, 0x136a_0784_b737_89d5, 0x9417_be43_c93a_9f6d, 0x4db4_04b9_eae6_a9f3]),
        fr([0xfc90_5bfe_af2b_80a9, 0x10ee_19de_f383_6b78, 0xaaeb_eaf3_f8cc_b00a, 0x0c6f_0eca_f32a_3d60]),
        fr([0xc44c_e897_4ea8_ad8d, 0x0387_2040_8a3c_822d, 0x4816_5b97_96a4_279d, 0x3518_d688_407c_a0e5]),
    ],
    [
        fr([0xb377_41de_7ac5_b185, 0x2b56_455c_30e6_da78, 0xe23a_a034_0dc2_66b3, 0x27ba_9d45_84a2_3881]),
        fr([0x32e0_efab_4c3a_d6eb, 0x9143_d60f_e008_17cf, 0x5085_8e48_2fbf_f7c2, 0x63d3_3e44_fda7_868d]),
        fr([0x4bf0_1c71_f264_1ae9, 0xf21b_22cf_f2d7_9c11, 0x3d67_a502_2d9a_221c, 0x561a_72b9_3fec_dbd8]),
    ],
    [
        fr([0xcb69_9482_4c2e_5e36, 0xac64_2480_1502_ff4f, 0x71aa_28bc_07a5_ba88, 0x48a1_625a_9ee1_1029]),
        fr([0x6a18_ecd4_7667_d1bc, 0xbe4d_63a3_8476_34b4, 0x0fa8_ef7d_bb35_6366, 0x46a0_03c1_84ec_f0e0]),
        fr([0xbb36_ded2_43de_d838, 0x9979_47b9_6f63_3607, 0x63a6_0821_e508_53d0, 0x37d6_efb2_876f_3cba]),
    ],
    [
        fr([0xbefa_447a_b191_8163, 0x598b_dff1_f6c0_219b, 0xf98a_5bed_063f_6911, 0x14f9_6acd_b291_ed2b]),
        fr([0x8abf_95e0_37d3_c668, 0xbdd1_a2c7_92cb_add5, 0x24ef_ced0_c465_587c, 0x573d_1562_63dc_8edf]),
        fr([0xbbad_18ab_b989_1f95, 0xaff0_7615_747d_2101, 0xb35b_3a07_d840_6acb, 0x4683_9e7d_7037_0149]),
    ],
    [
        fr([0x61fb_c803_1d8f_f59b, 0x16f8_d17d_082d_a9ba, 0x08fe_8d8f_cb51_a81f, 0x3b74_a342_0d1b_9884]),
        fr([0x8f4e_4401_6aaa_172d, 0x7c56_c16b_fbbe_6a05, 0x6798_b07a_8578_611d, 0x059f_3301_178a_2202]),
        fr([0x73e1_de42_8eaa_3f32, 0x2e98_7c58_b7ef_4868, 0x8b07_acf9_1845_3746, 0x467d_9ff3_508f_eb31]),
    ],
    [
        fr([0xb83f_43c9_f9ba_2004, 0xe566_5e44_9f07_b572, 0x406d_38d6_b82c_8ed4, 0x716c_ac6b_0fc8_f63d]),
        fr([0x8ea3_6533_3b8f_03a6, 0xae48_596b_e138_148d, 0x3c49_dc20_6073_1c85, 0x7121_fa9c_a506_687b]),
        fr([0x940a_7531_105e_f7e0, 0xcb7a_e0c3_0d4a_a141, 0xbba4_f59c_68f3_12be, 0x1000_0c75_e6e0_3366]),
    ],
    [
        fr([0x6925_cd8c_5888_c3ca, 0x06c2_cb4c_1838_c996, 0xa5b6_a573_6344_466a, 0x3754_8721_4c07_542f]),
        fr([0x367e_289f_0964_c486, 0x18ed_9485_449e_dcfd, 0x06b1_5977_2a09_7f35, 0x2361_aaf9_69f7_32be]),
        fr([0x130f_d9e4_f283_f906, 0x1e73_dcd6_4a39_b22b, 0xc270_23a8_93c0_458d, 0x2ddb_a867_9308_f327]),
    ],
    [
        fr([0xec08_83e3_9695_b15c, 0x6224_5106_f53d_7407, 0x6549_5bae_9685_e051, 0x6303_e217_55b1_de4d]),
        fr([0xdf11_0ab4_2f5b_0c1f, 0x5d08_264f_8a0e_d320, 0x2b2e_1c8f_2aac_f062, 0x5aa3_dddf_8da3_6972]),
        fr([0xedb5_f777_284c_d1fd, 0xf329_4def_eee7_02ef, 0xcd08_652d_815d_7c91, 0x3525_eb41_c2db_9cf9]),
    ],
    [
        fr([0x7a29_398c_17c2_6c9e, 0x8d4a_0c48_27e3_33d2, 0x7cb0_e3c3_f4b2_2553, 0x0079_ae4d_f49f_78b9]),
        fr([0xc13b_c7af_dd7b_c3b7, 0x559c_2e2a_6222_07b0, 0x7e19_ea4b_027c_c8bd, 0x533c_8c1b_05e2_dd7e]),
        fr([0x79f6_e2b0_8024_d3ab, 0x8897_cba8_99dd_b017, 0x544e_5cd4_2888_9506, 0x4989_a01e_4fe4_b1bd]),
    ],
    [
        fr([0xafbd_2fcc_42cd_d3c8, 0xde05_381f_c747_04a2, 0x8c31_0480_8dc6_8ae3, 0x1c7f_5858_eabb_1e2b]),
        fr([0x3452_38c6_dc55_7639, 0x1e47_29c9_0b4c_ce4c, 0x3541_3b98_08c1_35fb, 0x55fa_f16b_bea2_ee0f]),
        fr([0x3f25_5e07_5c72_ebd0, 0xcbce_0eca_afdd_13b9, 0xd9c8_c436_f89c_6f9e, 0x156a_82f8_e5ae_a455]),
    ],
    [
        fr([0x5864_aee4_2072_4703, 0xf25b_a0b7_3872_30a0, 0xd7bc_128e_9a10_7582, 0x37c7_0470_32df_0027]),
        fr([0x2a83_a9b6_b6f4_b264, 0xd874_92cb_de5c_1c26, 0xaf06_d500_0cee_db82, 0x40ab_8477_9517_6c24]),
        fr([0x8bc9_ed9b_da7a_f685, 0x2f36_e225_0c76_711e, 0x2de9_ef26_3d50_3615, 0x5a73_bece_6895_45bd]),
    ],
    [
        fr([0xb64a_b5d2_1d95_62f5, 0xacc5_7371_aeeb_b06c, 0x0b4f_38e5_6f98_8cdd, 0x1c4a_903b_e5df_f444]),
        fr([0xf367_277a_2302_b2f8, 0x100b_0bd8_6d69_b4b4, 0xc7c1_7673_0fd0_5cfd, 0x5bba_81a6_92e8_7b51]),
        fr([0x0b90_ddb2_6902_319d, 0x1541_d4b1_84b7_e1bc, 0x920c_3d7b_edd7_4c10, 0x2f87_5bdd_6669_a8ff]),
    ],
    [
        fr([0x084b_763e_fcef_f3bd, 0x8d3f_1654_050c_7ffe, 0x6024_db13_c58b_bc74, 0x5e89_035b_be94_3f9e]),
        fr([0xd6d1_3c72_a0c6_812e, 0x4e7b_ab98_2770_6ca6, 0xf8b0_0656_412a_d887, 0x728c_ff75_4d7a_76a7]),
        fr([0x4a79_e468_9625_481c, 0x801f_cc69_5ee3_f585, 0x524a_968a_bc95_c706, 0x6dcf_a633_8bfe_3569]),
    ],
    [
        fr([0xbeff_0c0b_e47e_5a51, 0x2b8f_74c4_ac74_c350, 0x3053_bb62_c071_0000, 0x24ce_5646_9aea_a424]),
        fr([0xe614_8252_062f_8363, 0xa1a0_0de5_a681_e52d, 0xaa43_c3ba_7ccf_ea7a, 0x6a72_f954_f591_825c]),
        fr([0xa6a5_87be_0fb0_081c, 0xd430_6fd5_f424_7ad0, 0x028e_9aa0_0a13_6613, 0x5992_2ae3_f065_24d2]),
    ],
    [
        fr([0x3709_e0f1_d918_5552, 0x60b1_e919_9b5f_59ed, 0x1a0c_2b53_13f8_ac96, 0x50d8_b986_88f4_980b]),
        fr([0x94ca_a605_b4a3_caf1, 0xcb86_ed6e_25e5_36fa, 0xb57c_fc89_8fb6_8342, 0x3184_262e_f10e_9b0a]),
        fr([0x5a50_7009_0006_f73e, 0x3d4a_e5ad_40ed_112a, 0x1039_fc47_dba9_9350, 0x6998_0a1f_4b88_3cac]),
    ],
    [
        fr([0x0880_e80b_bf80_78e1, 0xf95e_41e3_778f_e042, 0x745b_a00b_d909_4b67, 0x1d5a_91b9_30b8_9934]),
        fr([0x0882_eb79_c445_778f, 0x15c1_aada_dccd_a74e, 0x9b2f_70c8_b54e_4256, 0x0dde_bce4_b6ca_45d6]),
        fr([0xeeba_e7da_0985_5826, 0xc54c_729c_1fab_0fa6, 0xc955_1edf_3e3f_3b14, 0x68c8_362e_93a3_71d7]),
    ],
    [
        fr([0x9c42_40b9_48cd_e438, 0x94e6_c958_f96f_3d7d, 0x0ffc_0e54_26e1_bb68, 0x3dcc_6a17_e074_d035]),
        fr([0x3c9e_b57a_deca_2308, 0xd3a9_b597_9739_4c3d, 0x51cb_5cfc_458b_0f4a, 0x03b8_aba0_ee95_9a4e]),
        fr([0x14c0_74d4_6100_1ec4, 0x2d19_3fc1_a203_ccc5, 0x5375_c71d_71bb_b97b, 0x0f24_cc57_f3b2_fbf2]),
    ],
    [
        fr([0xe28d_d342_a5eb_0cd6, 0x202a_2e51_e6b6_c420, 0xbf13_9a70_baed_fb1b, 0x71e9_bfa7_f66a_fbaf]),
        fr([0xa8ad_f701_d68c_d02a, 0x803d_6674_e651_17f1, 0xcda6_405a_6c52_a47e, 0x3ac9_c118_90e9_6a2d]),
        fr([0xf5c0_e7a6_8dad_b63c, 0x751b_8899_7d8f_ba1a, 0xccb8_a022_0248_2023, 0x45c0_0146_e1b8_9ad5]),
    ],
    [
        fr([0x7ae0_35b0_4bda_3b5c, 0xf74b_57e1_5b02_e163, 0x2e28_cc3d_8b85_e334, 0x1f98_bdb8_dc31_8e3e]),
        fr([0x7820_04f6_5f51_257b, 0x3019_cddc_8ce5_5cf9, 0xfe7d_dd8b_8a7f_900f, 0x2ec0_77db_bc7b_f2af]),
        fr([0x1fbf_ec1f_f337_568d, 0xfaf1_c2d1_a618_db01, 0x2c2e_f5d5_376e_2e31, 0x32c3_77fc_988f_600a]),
    ],
    [
        fr([0x38e8_29db_8d05_861e, 0xc7f2_eb34_5ab6_c21d, 0x3bdf_c1a0_53d8_acee, 0x0a82_0d13_1da8_4438]),
        fr([0x7d5a_40f9_6109_2e60, 0xe786_dba5_63e2_10b7, 0xe263_e013_f45a_92c0, 0x5bd9_5df8_a933_f7b7]),
        fr([0xd0a1_86cd_3817_708d, 0x9e78_e796_e8b3_735b, 0xb420_fb3f_31c0_6429, 0x264c_f7b7_5095_fb96]),
    ],
    [
        fr([0xb891_e71d_11dc_29f2, 0x9836_be92_ee92_429a, 0xa9a5_d329_e00a_128c, 0x27d3_e47b_2f11_ada6]),
        fr([0x0548_6892_95d2_bce2, 0xfbbd_e04d_85be_f4ad, 0x19e4_afd8_91e6_19a8, 0x6435_4b41_2c8c_fa13]),
        fr([0x0b85_5a5a_fac1_f770, 0xbd32_887e_911d_e52d, 0x0836_fb71_35bc_e37f, 0x0db0_f967_487e_e52e]),
    ],
    [
        fr([0xa500_0f53_9697_8e9d, 0xd870_737a_9ce5_d9d3, 0x6475_9954_1719_7faa, 0x1c9a_1559_11b3_6c89]),
        fr([0x964f_1f93_180a_c531, 0x669d_c0f8_865b_140f, 0xf870_fa28_04bf_b88e, 0x65ae_5571_51ae_9ec7]),
        fr([0xd136_e7fe_885f_cb40, 0x7474_9106_a6da_d534, 0x0660_2076_4fef_4a55, 0x52c6_f624_2517_362c]),
    ],
    [
        fr([0x5d22_bb23_df41_e883, 0x04da_8da3_98dd_1013, 0xe2f8_4290_a313_b71a, 0x6e44_c5bc_d5dc_6591]),
        fr([0x85c2_adf0_32c8_b710, 0xd45a_458d_ccb0_59c7, 0xa859_5049_a285_944b, 0x2146_d3e3_7104_0feb]),
        fr([0xadcd_b19f_abdf_f0b9, 0xa9b0_7a5a_2582_4aa6, 0x499a_37c2_0ffc_9eac, 0x16db_9ceb_3074_a795]),
    ],
    [
        fr([0x650c_4e22_8a6e_6571, 0xd3a1_7850_3939_7060, 0xc9cf_2a27_3017_eb01, 0x5903_725f_d86f_ec14]),
        fr([0x4718_9885_cbbc_566a, 0xc414_bc2a_ebac_d81c, 0x9e05_718b_d1f5_9bb6, 0x54c7_5952_f908_e3f9]),
        fr([0x76dd_0b52_619a_39f6, 0x2287_0ca9_0bce_e7b5, 0xe7f3_0931_7b7b_9f5c, 0x0dba_4abc_7f18_8e33]),
    ],
    [
        fr([0xfffa_4d16_366d_257e, 0xed6f_364b_9346_541d, 0xad3b_a5b7_8cad_4c6b, 0x3950_2316_1180_8399]),
        fr([0xb3c5_7160_a5bc_4ae2, 0x0593_1dd8_7e20_0fc7, 0xf552_b9ba_b8ba_bfe5, 0x1a6d_8230_bb9e_8d1a]),
        fr([0xde7a_3d33_578c_43a0, 0x9dc6_5a3f_7c1e_f52d, 0xeea4_309a_c9a8_118e, 0x6b3d_d352_20ec_d616]),
    ],
    [
        fr([0xaead_a518_3d31_ba54, 0x7adb_9f0e_cf23_9d7b, 0x4c8d_8ce3_f489_1424, 0x6da0_0240_c350_5b21]),
        fr([0x1754_24bf_063c_6e18, 0xbd70_9ec9_497a_3162, 0x9424_e29c_37ac_b7df, 0x37c3_720b_132d_3a71]),
        fr([0xe26b_4bf8_fd68_38fb, 0x2fd4_99c7_e6ed_1ee6, 0x05c5_e93a_e700_8480, 0x500f_85a3_d06a_0b5a]),
    ],
    [
        fr([0xab27_be85_f4fa_aaf4, 0xe539_b73f_83c6_e7ea, 0xd575_186d_0787_fc8c, 0x2b37_f70d_7336_6d32]),
        fr([0x2a53_aab2_1ddb_68de, 0x04e2_3868_57a4_befa, 0x415e_5c48_14f3_3668, 0x1d8e_fd6e_52d4_f936]),
        fr([0xc2d4_517e_3eb3_90e3, 0x3f3a_64c5_9fe2_a9c5, 0xe65a_9779_07d1_7d13, 0x3330_3b8a_8f2d_811b]),
    ],
    [
        fr([0xbb02_72b5_ca14_a449, 0xab3e_e15c_145f_404f, 0xaf4a_9a6b_f095_c65f, 0x2c1b_a860_f51e_0c2e]),
        fr([0x584d_b9a7_5aec_2378, 0xf66e_f917_d09c_7957, 0xa89d_1010_81c9_c9f4, 0x0b08_49c7_a3ad_ea03]),
        fr([0x2f8a_734d_4abd_c792, 0xb53f_103f_cb75_2ac8, 0x809c_3e75_7821_c869, 0x41e7_e30c_7757_9da7]),
    ],
    [
        fr([0x75ff_52a7_1637_1b9c, 0x24fe_8d7d_43e6_28bf, 0x5e65_1843_0845_f989, 0x182e_66be_6068_6c8c]),
        fr([0x74f3_d06b_1a00_ddc4, 0x2661_e664_dcf4_ff2a, 0x88fa_4f54_a6ed_f02f, 0x373b_2508_c2fc_a1a2]),
        fr([0x3935_33ce_e1a4_5c30, 0xa6f5_6bdb_029e_50c1, 0xbbe6_30f3_08e0_3f1a, 0x1735_b442_b3ac_aad0]),
    ],
    [
        fr([0x59fe_b5d7_5f4a_1f9f, 0x2204_91d7_6cae_aa59, 0x911b_cef1_367e_10aa, 0x22ab_e8ea_470a_0372]),
        fr([0xd9c9_2f27_19b8_e80b, 0x364a_83c6_f065_d92b, 0x4f64_151e_d21a_bfa5, 0x5caa_b387_eb99_7f77]),
        fr([0xc5e2_e835_aaef_f725, 0x8d07_c668_ef25_a36b, 0x7789_7b56_e1c4_3297, 0x57b3_3094_aeff_8283]),
    ],
];

/// The Cauchy matrix that mixes the three cells after the S-box.
pub const MIX: [[Fr; 3]; 3] = [
    [
        fr([0x7667_13c9_3f2a_cfcd, 0x68a7_b438_6bd2_7413, 0xb500_e12f_2b55_eff6, 0x3d95_5d6c_02fe_4d7c]),
        fr([0x676e_77e7_97f2_24bf, 0xfac2_34bc_c8fc_05d6, 0x5dcf_8add_b2cf_1771, 0x3798_866f_4e60_5803]),
        fr([0xe54a_6e64_0278_fda2, 0x96ea_c27c_5da0_20da, 0xac81_3649_f3f2_5ea8, 0x2c51_456a_7bf2_467e]),
    ],
    [
        fr([0xa1a5_adfe_cff8_3b43, 0x0ea3_4840_e2dc_2d33, 0x0a02_18eb_c0ec_b31d, 0x2008_8ca0_7bbc_d749]),
        fr([0xacbb_948c_86a9_88c3, 0x7f9a_16b4_033f_02eb, 0x968e_a4b1_cb2d_610c, 0x1d04_ba09_15e7_807c]),
        fr([0xef57_3c9c_7f95_3307, 0xd0ee_aefb_2dde_e3d2, 0xd09d_9671_4d1d_18bb, 0x5387_ccd5_729d_7acb]),
    ],
    [
        fr([0xd7f0_f0e3_8a67_26ac, 0xb428_ec61_4332_93a8, 0x3428_1562_cad8_9659, 0x1e20_8f58_5a72_5585]),
        fr([0x858b_23a3_3636_42e0, 0xd4d1_07ca_e2b6_1be1, 0x6969_8e97_d36e_8aaf, 0x0455_ebf8_62f0_b60f]),
        fr([0x1ced_bbf7_82da_ef54, 0x2c1f_c972_1f6c_5099, 0x5585_2059_f707_370e, 0x569e_2c20_6119_e894]),
    ],
];
