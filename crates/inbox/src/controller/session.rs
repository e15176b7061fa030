//! Getting a session: the person's sign-in and the resume from the keyring, each as one background task that reports
//! to the controller. The sid passes through here and is written nowhere but to the keyring.

use fasttrack_client::{Environment, Http, LoginError, Session, read_config};
use secrecy::SecretString;
use tokio::sync::mpsc;

use super::{
    news::{News, ResumeError, Resumed, Scope, SignedIn, What},
    problems,
};
use crate::{AccountId, Keep, LastAccount, Problem, SignIn, Step, secrets::Keeper};

/// Signs in as the person asked; each step is reported as it begins.
pub(super) async fn sign_in(
    http: Http,
    keeper: Keeper,
    sign_in: SignIn,
    scope: Scope,
    news: mpsc::Sender<News>,
) -> Result<SignedIn, Problem> {
    let report = |step| {
        let news = news.clone();
        // A controller that is gone needs no report.
        async move { drop(news.send(News { scope, what: What::SignInStep(step) }).await) }
    };
    try_sign_in(&http, &keeper, sign_in, report).await.map_err(problems::not_repeated)
}

async fn try_sign_in<F: Future<Output = ()>>(
    http: &Http,
    keeper: &Keeper,
    sign_in: SignIn,
    report: impl Fn(Step) -> F,
) -> Result<SignedIn, Problem> {
    report(Step::Brand).await;
    let environment: Environment = sign_in
        .environment
        .parse()
        .map_err(|error: fasttrack_client::Error| problems::config(&error, &sign_in.brand))?;
    let config = read_config(http, &environment, &sign_in.brand, sign_in.insecure_confirmed)
        .await
        .map_err(|error| problems::config(&error, &sign_in.brand))?;
    report(Step::Session).await;
    let session = Session::log_in(http, config, &sign_in.brand, sign_in.sid.clone())
        .await
        .map_err(|error| problems::log_in(&error, &sign_in.brand))?;
    // A pairing code is good for one log-in.
    let sign_in = SignIn { sid: session.sid().clone(), ..sign_in };
    report(Step::Channel).await;
    let mut newly_kept = false;
    if sign_in.keep == Keep::Keyring {
        let account = account_id(&sign_in, &session);
        newly_kept = matches!(keeper.get(&account).await, Ok(None));
        keeper.keep(&account, &sign_in.sid).await?;
    }
    Ok(SignedIn { session, sign_in, newly_kept })
}

/// Whose messages a session brings.
pub(super) fn account_id(sign_in: &SignIn, session: &Session) -> AccountId {
    // The canonical spelling, so that `https://h` and `https://h/` are one account.
    let environment = sign_in
        .environment
        .parse::<Environment>()
        .map_or_else(|_| sign_in.environment.clone(), |environment| environment.to_string());
    AccountId { environment, brand: sign_in.brand.clone(), user: session.user().user_id }
}

/// Resumes the session of `account` with the sid from the keyring, or with `sid` where it is kept in memory.
pub(super) async fn resume(
    http: Http,
    keeper: Keeper,
    account: LastAccount,
    sid: Option<SecretString>,
) -> Result<Resumed, ResumeError> {
    try_resume(&http, &keeper, &account, sid).await
}

async fn try_resume(
    http: &Http,
    keeper: &Keeper,
    account: &LastAccount,
    sid: Option<SecretString>,
) -> Result<Resumed, ResumeError> {
    let sid = match (sid, account.keep) {
        (Some(sid), _) => sid,
        (None, Keep::SessionOnly) => return Err(ResumeError::NoSid),
        (None, Keep::Keyring) => {
            keeper.get(&account.id).await.map_err(ResumeError::Keyring)?.ok_or(ResumeError::NoSid)?
        }
    };
    let environment: Environment = account.id.environment.parse().map_err(ResumeError::Config)?;
    let config = read_config(http, &environment, &account.id.brand, account.insecure_confirmed)
        .await
        .map_err(ResumeError::Config)?;
    let session = Session::log_in(http, config, &account.id.brand, sid.clone()).await.map_err(ResumeError::LogIn)?;
    if session.user().user_id != account.id.user {
        // The sid now belongs to somebody else: their messages must not land in this account's store.
        return Err(ResumeError::LogIn(LoginError::Rejected {
            message: "The session id belongs to another user.".to_owned(),
        }));
    }
    Ok(Resumed { session, sid })
}
