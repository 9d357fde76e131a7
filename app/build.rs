//! Gives the Windows program its icon, version and manifest. Elsewhere there is nothing to do.

#![allow(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

const PROGRAM: &str = "lanspread";

fn main() {
    println!("cargo:rerun-if-changed=../assets/windows");
    println!("cargo:rerun-if-changed=../assets/icon/lanspread.ico");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        return;
    }
    let version = env!("CARGO_PKG_VERSION");
    // Words without spaces or quotes: resource compilers lose those.
    let macros = [
        format!("VERSION_NUMBERS={},0", version.replace('.', ",")),
        format!("VERSION_WORD={version}"),
        format!("PROGRAM={PROGRAM}"),
    ];
    let embedded = embed_resource::compile_for("../assets/windows/program.rc", [PROGRAM], macros);
    if let Err(error) = embedded.manifest_required() {
        println!("cargo:error=the resources of the Windows program: {error}");
    }
}
