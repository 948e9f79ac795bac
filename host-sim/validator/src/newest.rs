//! The newest final header with the votes that made it final: what other devices than the one that votes follow the chain by.

use std::sync::Arc;

use commonware_consensus::simplex::types::Finalization;
use commonware_utils::channel::watch;
use qenex_consensus::{HeaderId, Scheme, Validators, proposal_of};
use qenex_core::consensus::Header;
use qenex_core::hsm::proto::BeginHeader;
use qenex_device::client::CertifiedHeader;

/// The newest one, whenever it is asked for; nothing before there is one.
pub type Newest = watch::Receiver<Option<Arc<CertifiedHeader>>>;

/// Who says what it is.
pub struct Publisher(watch::Sender<Option<Arc<CertifiedHeader>>>);

/// A publisher, and what he publishes.
pub fn channel() -> (Publisher, Newest) {
    let (sender, newest) = watch::channel(None);
    (Publisher(sender), newest)
}

impl Publisher {
    /// Publishes a header, if these are the votes for it.
    pub fn publish(
        &self,
        header: &Header,
        finalization: &Finalization<Scheme, HeaderId>,
        validators: &Validators,
    ) {
        let proposal = proposal_of(&finalization.proposal).filter(|proposal| proposal.header == header.id());
        let certificate = &finalization.certificate;
        let (Some(proposal), Ok(members)) = (proposal, validators.members(certificate)) else { return };
        let request = BeginHeader { header: header.clone(), proposal, signers: certificate.signers().0 };
        self.0.send_replace(Some(Arc::new(CertifiedHeader::new(request, members))));
    }
}
