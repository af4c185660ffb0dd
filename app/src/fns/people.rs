//! Members, invitations and the asker's own account.

use super::goals::Section;
use crate::failure::Failure;
use leptos::prelude::*;
use leptos::server_fn::codec::GetUrl;
use pulsecast_protocol::{
    Domain,
    access::{Invited, PeopleView},
};

/// Who may see a site.
///
/// # Errors
/// When the asker may not know.
#[server(prefix = "/fn", endpoint = "people", input = GetUrl)]
pub async fn load_people(domain: Domain) -> Result<Section<(PeopleView, String)>, Failure> {
    let api = crate::platform::api()?;
    let people = api.people(domain.clone()).await?;
    Ok(Section {
        role: people.you,
        body: (people, api.public_url()),
        domain,
    })
}

/// Gives a member another role.
///
/// # Errors
/// When the asker may not, or the site would be nobody's.
#[server(prefix = "/fn", endpoint = "change-role")]
pub async fn change_role(domain: Domain, account: i64, role: String) -> Result<(), Failure> {
    crate::platform::api()?
        .change_role(domain.clone(), account, crate::forms::access::role(&role)?)
        .await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/people?done=role"));
    Ok(())
}

/// Ends a membership.
///
/// # Errors
/// When the asker may not, or the site would be nobody's.
#[server(prefix = "/fn", endpoint = "remove-person")]
pub async fn remove_person(domain: Domain, account: i64) -> Result<(), Failure> {
    crate::platform::api()?
        .remove_person(domain.clone(), account)
        .await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/people?done=removed"));
    Ok(())
}

/// Ends the asker's own membership.
///
/// # Errors
/// When the site would be nobody's.
#[server(prefix = "/fn", endpoint = "leave-site")]
pub async fn leave_site(domain: Domain) -> Result<(), Failure> {
    crate::platform::api()?.leave(domain).await?;
    crate::platform::send_to("/");
    Ok(())
}

/// Invites somebody; the page then shows the address to send.
///
/// # Errors
/// When the address is none, is a member, or the asker may not.
#[server(prefix = "/fn", endpoint = "invite")]
pub async fn invite(domain: Domain, email: String, role: String) -> Result<(), Failure> {
    let invite = async {
        let api = crate::platform::api()?;
        Ok(api
            .invite(domain.clone(), email.clone(), crate::forms::access::role(&role)?)
            .await?)
    };
    let typed = [("email", email.as_str()), ("role", role.as_str())];
    let token = invite
        .await
        .map_err(|failure: Failure| failure.with_typed(typed))?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/people?invited={token}"));
    Ok(())
}

/// Takes an invitation back.
///
/// # Errors
/// When the asker may not.
#[server(prefix = "/fn", endpoint = "withdraw-invitation")]
pub async fn withdraw_invitation(domain: Domain, id: i64) -> Result<(), Failure> {
    crate::platform::api()?.withdraw(domain.clone(), id).await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings/people?done=removed"));
    Ok(())
}

/// Makes another member the owner.
///
/// # Errors
/// When the asker is no owner.
#[server(prefix = "/fn", endpoint = "transfer-site")]
pub async fn transfer_site(domain: Domain, account: i64) -> Result<(), Failure> {
    crate::platform::api()?.transfer(domain.clone(), account).await?;
    crate::platform::send_to(&format!("/sites/{domain}/settings?done=transferred"));
    Ok(())
}

/// What an invitation is for.
///
/// # Errors
/// When it is not good any more.
#[server(prefix = "/fn", endpoint = "invitation", input = GetUrl)]
pub async fn load_invitation(token: String) -> Result<Invited, Failure> {
    Ok(crate::platform::api()?.invitation(token).await?)
}

/// Changes the asker's password.
///
/// # Errors
/// When the current one is not right, or the new one cannot be used.
#[server(prefix = "/fn", endpoint = "change-password")]
pub async fn change_password(current: String, new: String) -> Result<(), Failure> {
    let change = async { Ok(crate::platform::api()?.change_password(current, new).await?) };
    change.await.map_err(|failure: Failure| failure.with_typed([]))?;
    crate::platform::send_to("/account?done=password");
    Ok(())
}

/// Removes the asker's account.
///
/// # Errors
/// When the password is not right, or a site needs them.
#[server(prefix = "/fn", endpoint = "remove-account")]
pub async fn remove_account(password: String) -> Result<(), Failure> {
    let remove = async { Ok(crate::platform::api()?.remove_account(password).await?) };
    remove.await.map_err(|failure: Failure| failure.with_typed([]))?;
    crate::platform::send_to("/login?error=removed");
    Ok(())
}
