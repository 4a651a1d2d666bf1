"""Which employers are family-friendly (家庭友好型用人单位认证): application, certificate, status."""
