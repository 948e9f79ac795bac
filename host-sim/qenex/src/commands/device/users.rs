//! `qenex device user`.

use qenex_core::hsm::proto::{AddUser, ChangePin, Command, Index, NamedUser, SetPin, UserInfo};
use qenex_core::hsm::{MAX_USERS, Role as DeviceRole};
use serde_json::{Value, json};

use super::session::{connect, login, read_pin, user};
use crate::args::{Role, User};
use crate::output::{Failure, Output};

pub fn run(args: User, output: &Output) -> Result<(), Failure> {
    let done = |what: &str, name: &dyn std::fmt::Display| {
        output.line(format_args!("{name}: {what}"));
        output.result(&json!({ "user": name.to_string() }));
        Ok(())
    };
    match args {
        User::Add { session, name, role, new_pin_file } => {
            let pin = read_pin(&new_pin_file)?;
            let role = match role {
                Role::Officer => DeviceRole::Officer,
                Role::Operator => DeviceRole::Operator,
                Role::Auditor => DeviceRole::Auditor,
            };
            login(&session)?.ask(Command::AddUser, &AddUser { user: name, role, pin: &pin })?;
            done("added", &name)
        }
        User::Remove { session, name } => {
            login(&session)?.ask(Command::RemoveUser, &NamedUser { user: name })?;
            done("removed", &name)
        }
        User::SetPin { session, name, new_pin_file } => {
            let pin = read_pin(&new_pin_file)?;
            login(&session)?.ask(Command::SetPin, &SetPin { user: name, pin: &pin })?;
            done("has a new PIN and all tries", &name)
        }
        User::ChangePin { session, new_pin_file } => {
            let (name, pin) = user(&session)?;
            let new_pin = read_pin(&new_pin_file)?;
            let request = ChangePin { user: name, pin: &pin, new_pin: &new_pin };
            connect(&session)?.ask(Command::ChangePin, &request)?;
            done("has changed the PIN", &name)
        }
        User::List(session) => {
            let mut client = login(&session)?;
            let mut list = Vec::new();
            for index in 0..MAX_USERS {
                let info: UserInfo = client.get(Command::DescribeUser, &Index { index })?;
                if let (Some(name), Some(role)) = (info.user, info.role) {
                    output.line(format_args!("{name:<24} {role:<9} {} tries left", info.tries));
                    list.push(json!({ "user": name.as_str(), "role": role.as_str(), "tries": info.tries }));
                }
            }
            output.result(&Value::Array(list));
            Ok(())
        }
    }
}
