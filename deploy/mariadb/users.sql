-- The databases and their two users, each with no more than it needs. As root of MariaDB:
--
--   sed -e s/USER_PASSWORD/…/ -e s/OWNER_PASSWORD/…/ users.sql | mariadb
--
-- On a server elsewhere also -e 's/@localhost/@`10.0.0.5`/', the address of the assistant's host.
--
-- Run it once before the first migration and again after each: the application may change every
-- table but the audit log's, so the right to change is granted table by table. A password that is
-- there already stays as it is. `medical-ai rights` prints the statements that are still missing.

CREATE DATABASE IF NOT EXISTS medical_ai_db CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE DATABASE IF NOT EXISTS medical_ai_restore_check CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;

-- The application and its worker.
CREATE USER IF NOT EXISTS medical_user@localhost IDENTIFIED BY 'USER_PASSWORD';
-- Migrations, restores, and the proof that a backup restores.
CREATE USER IF NOT EXISTS medical_owner@localhost IDENTIFIED BY 'OWNER_PASSWORD';

GRANT ALL PRIVILEGES ON medical_ai_db.* TO medical_owner@localhost;
GRANT ALL PRIVILEGES ON medical_ai_restore_check.* TO medical_owner@localhost;
-- All of these at once, and not the whole: what was granted too widely before is taken back.
GRANT SELECT, INSERT, UPDATE, DELETE ON medical_ai_db.* TO medical_user@localhost;
REVOKE UPDATE, DELETE ON medical_ai_db.* FROM medical_user@localhost;

DELIMITER //
BEGIN NOT ATOMIC
  FOR one IN (
    SELECT table_name FROM information_schema.tables
    WHERE table_schema = 'medical_ai_db' AND table_type = 'BASE TABLE'
      AND table_name NOT IN ('audit_events', 'audit_blocks', 'audit_seals', 'alembic_version')
  ) DO
    EXECUTE IMMEDIATE CONCAT(
      'GRANT UPDATE, DELETE ON medical_ai_db.`', one.table_name, '` TO medical_user@localhost'
    );
  END FOR;
END //
DELIMITER ;
