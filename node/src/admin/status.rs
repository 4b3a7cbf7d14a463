//! The fields of Get-BCStatus, as the classes MSFT_NetBranchCache… name them.
//! Invariant: what is not known here, or means nothing without Windows, is null and never made up.
//! Byte order: none.

use serde::{Deserialize, Serialize};

/// MSFT_NetBranchCacheStatus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are those of the class")]
pub struct Status {
    pub branch_cache_is_enabled: bool,
    pub branch_cache_service_status: String,
    pub branch_cache_service_start_type: String,
    pub client_configuration: ClientConfiguration,
    pub content_server_configuration: ContentServerConfiguration,
    pub hosted_cache_server_configuration: HostedCacheServerConfiguration,
    pub network_configuration: NetworkConfiguration,
    pub hash_cache: Option<Cache>,
    pub data_cache: Option<Cache>,
}

/// MSFT_NetBranchCacheClientSettingData.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are those of the class")]
pub struct ClientConfiguration {
    pub current_client_mode: Option<String>,
    pub preferred_content_information_version: Option<u32>,
    pub distributed_caching_is_enabled: bool,
    pub serve_distributed_caching_peers_on_battery_power: Option<bool>,
    pub hosted_cache_server_list: Vec<String>,
    pub hosted_cache_discovery_enabled: Option<bool>,
    pub hosted_cache_version: Option<u32>,
    pub minimum_smb_latency_in_milliseconds: Option<u32>,
}

/// Settings of the content server.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are those of the class")]
pub struct ContentServerConfiguration {
    pub content_server_is_enabled: bool,
}

/// MSFT_NetBranchCacheHostedCacheServerSettingData.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are those of the class")]
pub struct HostedCacheServerConfiguration {
    pub hosted_cache_server_is_enabled: bool,
    pub client_authentication_mode: Option<String>,
    pub hosted_cache_scp_registration_enabled: Option<bool>,
}

/// MSFT_NetBranchCacheNetworkSettingData.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are those of the class")]
pub struct NetworkConfiguration {
    pub content_retrieval_url_reservation_enabled: Option<bool>,
    pub hosted_cache_http_url_reservation_enabled: Option<bool>,
    pub hosted_cache_https_url_reservation_enabled: Option<bool>,
    pub content_retrieval_firewall_rules_enabled: Option<bool>,
    pub peer_discovery_firewall_rules_enabled: Option<bool>,
    pub hosted_cache_server_firewall_rules_enabled: Option<bool>,
    pub hosted_cache_client_firewall_rules_enabled: Option<bool>,
    pub content_download_listen_port: Option<u16>,
    pub content_download_connect_port: Option<u16>,
    pub hosted_cache_http_connect_port: Option<u16>,
    pub hosted_cache_https_connect_port: Option<u16>,
    pub hosted_cache_http_listen_port: Option<u16>,
    pub hosted_cache_https_listen_port: Option<u16>,
}

/// MSFT_NetBranchCachePrimaryCache.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "the names are those of the class")]
pub struct Cache {
    pub cache_file_directory_path: Option<String>,
    pub max_cache_size_as_percentage_of_disk_volume: Option<u32>,
    pub max_cache_size_as_number_of_bytes: u64,
    pub current_size_on_disk_as_number_of_bytes: Option<u64>,
    pub current_active_cache_size: u64,
    pub data_cache_extensions: Vec<String>,
}

impl Status {
    /// Of a process that runs, before its roles have told of themselves.
    #[must_use]
    pub fn of_running() -> Self {
        // systemd names every run of a unit; who starts it by hand has no such name.
        let is_unit = std::env::var_os("INVOCATION_ID").is_some();
        let start_type = if is_unit { "Automatic" } else { "Manual" };
        Self {
            branch_cache_is_enabled: true,
            branch_cache_service_status: "Running".to_owned(),
            branch_cache_service_start_type: start_type.to_owned(),
            client_configuration: ClientConfiguration::default(),
            content_server_configuration: ContentServerConfiguration::default(),
            hosted_cache_server_configuration: HostedCacheServerConfiguration::default(),
            network_configuration: NetworkConfiguration::default(),
            hash_cache: None,
            data_cache: None,
        }
    }
}
