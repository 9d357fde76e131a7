//! What Windows has and no safe library reaches: a program run by an administrator, and the bar in the taskbar's button.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::PathBuf;

use raw_window_handle::{HasWindowHandle, RawWindowHandle};
use windows::Win32::Foundation::{ERROR_CANCELLED, HANDLE, HWND};
use windows::Win32::System::Com::{
    CLSCTX_INPROC_SERVER, COINIT_APARTMENTTHREADED, COINIT_DISABLE_OLE1DDE, CoCreateInstance, CoInitializeEx,
    CoUninitialize,
};
use windows::Win32::System::Threading::{GetExitCodeProcess, INFINITE, WaitForSingleObject};
use windows::Win32::UI::Shell::{
    ITaskbarList3, SEE_MASK_FLAG_NO_UI, SEE_MASK_NOASYNC, SEE_MASK_NOCLOSEPROCESS, SHELLEXECUTEINFOW,
    ShellExecuteExW, TBPF_NOPROGRESS, TBPF_NORMAL, TaskbarList,
};
use windows::Win32::UI::WindowsAndMessaging::SW_HIDE;
use windows::core::{HSTRING, PCWSTR, w};

/// Parts of a whole that a bar can tell apart.
const STEPS: u64 = 200;

/// COM for this thread, while it lives.
struct Com;

impl Com {
    /// As the shell asks for it: what carries out its verbs may be COM objects that expect such a thread.
    #[expect(unsafe_code, reason = "COM has no safe interface")]
    fn of_this_thread() -> windows::core::Result<Self> {
        // SAFETY: a call without pointers, which `drop` ends in the same thread.
        unsafe { CoInitializeEx(None, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE) }.ok()?;
        Ok(Self)
    }
}

impl Drop for Com {
    #[expect(unsafe_code, reason = "it ends what `of_this_thread` began")]
    fn drop(&mut self) {
        // SAFETY: once for each success of CoInitializeEx; a `Com` stays a local of the function that made it.
        unsafe { CoUninitialize() };
    }
}

/// Runs the system's `cmd.exe` once a person has agreed, and waits for its end. Answers its exit code, `None` when the person
/// said no. For a thread of its own.
#[expect(unsafe_code, reason = "the standard library starts programs with this account's rights only")]
pub(super) fn run_as_administrator(parameters: &str) -> io::Result<Option<u32>> {
    let root = std::env::var_os("SystemRoot").map_or_else(|| PathBuf::from(r"C:\Windows"), PathBuf::from);
    // Never what lies in the folder that the program was started in.
    let system = root.join("System32");
    let program = HSTRING::from(system.join("cmd.exe").as_path());
    let (folder, parameters) = (HSTRING::from(system.as_path()), HSTRING::from(parameters));
    let mut info = SHELLEXECUTEINFOW {
        cbSize: u32::try_from(size_of::<SHELLEXECUTEINFOW>()).unwrap_or_default(),
        fMask: SEE_MASK_NOCLOSEPROCESS | SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI,
        lpVerb: w!("runas"),
        lpFile: PCWSTR(program.as_ptr()),
        lpParameters: PCWSTR(parameters.as_ptr()),
        lpDirectory: PCWSTR(folder.as_ptr()),
        nShow: SW_HIDE.0,
        ..SHELLEXECUTEINFOW::default()
    };
    let _com = Com::of_this_thread()?;
    // SAFETY: every text outlives the call, and says its end.
    match unsafe { ShellExecuteExW(&raw mut info) } {
        Err(error) if error.code() == ERROR_CANCELLED.to_hresult() => return Ok(None),
        done => done?,
    }
    // SAFETY: with SEE_MASK_NOCLOSEPROCESS the handle belongs to the caller.
    let process = unsafe { OwnedHandle::from_raw_handle(info.hProcess.0) };
    let (handle, mut code) = (HANDLE(process.as_raw_handle()), 0);
    // SAFETY: the process's handle is open until `process` is dropped.
    unsafe {
        WaitForSingleObject(handle, INFINITE);
        GetExitCodeProcess(handle, &raw mut code)?;
    }
    Ok(Some(code))
}

/// The bar in the window's button.
#[derive(Debug)]
pub(super) struct Taskbar {
    list: ITaskbarList3,
    window: HWND,
    /// Of [`STEPS`].
    shown: Option<u64>,
}

impl Taskbar {
    /// Of a window whose thread belongs to COM, as that of every window does that files can be dropped on.
    #[expect(unsafe_code, reason = "COM has no safe interface; all pointers stay inside the windows crate")]
    pub(super) fn of(window: &impl HasWindowHandle) -> Option<Self> {
        let RawWindowHandle::Win32(handle) = window.window_handle().ok()?.as_raw() else { return None };
        // SAFETY: plain calls by the thread of the window.
        let list = unsafe {
            let list: windows::core::Result<ITaskbarList3> =
                CoCreateInstance(&TaskbarList, None, CLSCTX_INPROC_SERVER);
            list.and_then(|list| list.HrInit().map(|()| list))
        };
        let list = list.inspect_err(|error| tracing::debug!(%error, "no taskbar")).ok()?;
        Some(Self { list, window: HWND(handle.hwnd.get() as *mut _), shown: None })
    }

    /// Shows how much of a whole is done; `None` takes the bar away.
    #[expect(unsafe_code, reason = "COM has no safe interface; all pointers stay inside the windows crate")]
    pub(super) fn show(&mut self, progress: Option<(u64, u64)>) {
        let step = progress.and_then(|(done, total)| (done * STEPS).checked_div(total));
        if self.shown == step {
            return;
        }
        self.shown = step;
        // SAFETY: plain calls by the thread of the window, which lives as long as its shell.
        let shown = unsafe {
            let flags = if step.is_some() { TBPF_NORMAL } else { TBPF_NOPROGRESS };
            let shown = self.list.SetProgressState(self.window, flags);
            let value = step.map_or(Ok(()), |step| self.list.SetProgressValue(self.window, step, STEPS));
            shown.and(value)
        };
        if let Err(error) = shown {
            tracing::debug!(%error, "no bar in the taskbar");
        }
    }
}
